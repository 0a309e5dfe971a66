import { makeNextBrokerKey } from '../../plugins/audit-chain/broker-keys.ts'
import {
  AuditChain,
  afterEarlier,
  ConfigRecorder,
  LevelAuditStore,
  nativeCrypto,
  storeSublevel,
} from '../../plugins/index.ts'
import { signBrokerKeyProof, thumbprintOfP256 } from '../../protocol/index.ts'
import { publicOf } from '../helpers/keys.ts'
import { publishDecision, submission } from '../helpers/sequencing.ts'

/** What happens to the write: it fails, having an unknown outcome, or the process dies just before or just after it. */
export const writeOutcomes = ['not stored', 'stored but reported failed'] as const
export const deaths = ['killed before', 'killed after'] as const
export type StepOutcome = (typeof writeOutcomes)[number] | (typeof deaths)[number]

/** One kind of commit, on a chain that has so many records. */
export interface CommitStep {
  /** Records that are there before, the genesis among them; 0: an empty directory. */
  readonly records: number
  /** What of it is found in the chain afterwards: texts of publishes, or kinds of other records. */
  readonly adds: readonly string[]
  /** Lets the next write of the store fail. To be called when nothing but the step writes any more. */
  readonly run: (location: string, arm: () => void) => Promise<void>
}

/** Records between snapshots, so that the second group of a step is written with one. */
const recordsPerSnapshot = 5

const texts = (name: string) => Array.from({ length: 10 }, (_, i) => `${name} ${i}`)
const markOf = new TextEncoder().encode('written')

/** Waits for what was submitted before, through an outage, too. */
function settled(chain: AuditChain): Promise<void> {
  return new Promise((resolve) => chain.submit(afterEarlier(resolve)))
}

/** Submits one group, and waits until it is durable. */
async function publish(chain: AuditChain, name: string): Promise<void> {
  for (const text of texts(name)) chain.submit(submission(text, publishDecision(text)))
  await settled(chain)
}

async function withChain(
  location: string,
  arm: () => void,
  act: (chain: AuditChain) => Promise<unknown>,
  before: (chain: AuditChain) => Promise<unknown> = async () => {},
): Promise<void> {
  const chain = await AuditChain.open({ location, recordsPerSnapshot })
  await before(chain)
  arm()
  await act(chain)
  await chain.close()
}

const group = (records: number): CommitStep => ({
  records,
  adds: texts('step'),
  run: (location, arm) => withChain(location, arm, (chain) => publish(chain, 'step')),
})

/** Every kind of commit that the chain makes. */
export const commitSteps: Readonly<Record<string, CommitStep>> = {
  'the first block': {
    records: 0,
    adds: ['genesis'],
    run: (location, arm) => {
      arm()
      return withChain(
        location,
        () => {},
        async () => {},
      )
    },
  },
  'a block in the middle of a tile': group(100),
  'a block that completes a tile': group(250),
  'a block that completes a tile of each of two levels': group(65_530),
  'a block with a snapshot': {
    records: 100,
    adds: [...texts('before'), ...texts('step')],
    run: (location, arm) =>
      withChain(
        location,
        arm,
        (chain) => publish(chain, 'step'),
        (chain) => publish(chain, 'before'),
      ),
  },
  'the record of a configuration': {
    records: 100,
    adds: ['config'],
    run: (location, arm) =>
      withChain(location, arm, async (chain) => {
        const recorder = await ConfigRecorder.open(chain)
        await recorder.record(() => new Uint8Array(32).fill(7), 'start')
      }),
  },
  'the block of a new broker key': {
    records: 100,
    adds: ['key'],
    run: async (location, arm) => {
      const key = await makeNextBrokerKey(location, {})
      await withChain(location, arm, (chain) =>
        chain.rotate((place) => ({
          action: 'broker-key',
          thumbprint: thumbprintOfP256(key, nativeCrypto),
          key: publicOf(key),
          proof: signBrokerKeyProof(key, place, nativeCrypto),
          replaces: chain.brokerThumbprint,
        })),
      )
    },
  },
  'a write without a record': {
    records: 100,
    adds: ['written'],
    run: (location, arm) =>
      withChain(location, arm, async (chain) => {
        const sublevel = storeSublevel(chain.database, markSublevel)
        const also = [{ type: 'put', sublevel, key: markOf, value: markOf }] as const
        await new Promise<void>((resolve) =>
          chain.submit({ bytes: 64, decide: () => ({ also }), settle: () => resolve() }),
        )
      }),
  },
}

/** Where the step without a record writes. */
export const markSublevel = 'mark'

/**
 * Lets the next write of any store in this process come to this; those after it go well.
 * @param failingReopens attempts to open the store again that fail
 * @param onFault told when it has happened
 * @returns makes the store whole again
 */
export function armStore(outcome: StepOutcome, failingReopens: number, onFault: () => void): () => void {
  const real = LevelAuditStore.prototype
  const { append, write, reopen } = real
  let isArmed = true
  let reopensLeft = failingReopens
  const faulty = <Args extends unknown[]>(call: (...args: Args) => Promise<void>) =>
    async function (this: LevelAuditStore, ...args: Args): Promise<void> {
      if (!isArmed) return call.apply(this, args)
      isArmed = false
      onFault()
      if (outcome === 'killed before') process.kill(process.pid, 'SIGKILL')
      if (outcome !== 'not stored') await call.apply(this, args)
      if (outcome === 'killed after') process.kill(process.pid, 'SIGKILL')
      throw new Error('injected write error')
    }
  real.append = faulty(append)
  real.write = faulty(write)
  real.reopen = async function (this: LevelAuditStore) {
    if (reopensLeft-- > 0) throw new Error('injected open error')
    return reopen.call(this)
  }
  return () => Object.assign(real, { append, write, reopen })
}
