import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { restoreChain } from '../../../plugins/audit-chain/replay.ts'
import {
  type AuditStore,
  KeyRegistry,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  type StoreDatabase,
  verifyStore,
} from '../../../plugins/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { keyMeriadoc, numberedKey } from '../../helpers/keys.ts'
import { publishPacket } from '../../helpers/mqtt-bytes.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { genesisDecision, publishDecision, sequencerOn, submission, turns } from '../../helpers/sequencing.ts'
import { Signer } from '../../helpers/signing.ts'
import { countPayloads } from '../../helpers/stored-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

// A write error has an unknown outcome. Both are tried: the bytes are not there, and the bytes are there.
const outcomes = ['not stored', 'stored but reported failed'] as const
type FaultOutcome = (typeof outcomes)[number]

const diskFailure = new Error('I/O error')

/** The real store, one of whose writes fails, when the test lets it. */
class FailingStore extends LevelAuditStore {
  readonly #failingWrite: number
  readonly #outcome: FaultOutcome
  #writes = 0
  release: () => void = () => {}
  readonly #released = new Promise<void>((resolve) => {
    this.release = resolve
  })

  constructor(database: StoreDatabase, failingWrite: number, outcome: FaultOutcome) {
    super(database)
    this.#failingWrite = failingWrite
    this.#outcome = outcome
  }

  override async append(...block: Parameters<AuditStore['append']>): Promise<void> {
    if (++this.#writes !== this.#failingWrite) return super.append(...block)
    await this.#released
    if (this.#outcome === 'stored but reported failed') await super.append(...block)
    throw diskFailure
  }
}

/** Opens the store again, as the next start does, and verifies all of it. */
async function reopened(location: string): Promise<{ database: StoreDatabase; records: number }> {
  const database = await openStoreDatabase(location, false)
  const { ok, checked } = await verifyStore({ store: new LevelAuditStore(database), brokerKey: keyMeriadoc })
  assert.equal(ok, true)
  return { database, records: checked }
}

for (const outcome of outcomes) {
  for (const failingWrite of [1, 2, 3]) {
    test(`after write ${failingWrite} failed (${outcome}) nothing is settled, and the store opened again verifies`, async (t) => {
      const location = temporaryDirectory(t)
      const database = await openStoreDatabase(location)
      const store = new FailingStore(database, failingWrite, outcome)
      const { sequencer, failures, blocks } = sequencerOn(store)
      const order: string[] = []
      for (let i = 0; failures.length === 0; i++) {
        assert.ok(i < 3)
        sequencer.submit(submission(`${i}`, i === 0 ? genesisDecision : publishDecision(`${i}`), order))
        if (i === failingWrite - 1) {
          await turns()
          sequencer.submit(submission('while it was written', publishDecision('late'), order))
          store.release()
        }
        await sequencer.drained()
      }
      assert.deepEqual(order, ['0', '1', '2'].slice(0, failingWrite - 1))
      assert.equal(blocks.length, failingWrite - 1, 'the head is not told of the failed block')
      assert.deepEqual(
        failures.map(({ code, cause }) => [code, cause]),
        [['ERR_STORE_FAILED', diskFailure]],
      )
      const late = submission('late', publishDecision('late'), order)
      assert.throws(() => sequencer.submit(late), { code: 'ERR_STORE_FAILED' })
      await sequencer.drained()
      await turns()
      assert.deepEqual([late.isSettled, failures.length], [false, 1])
      await database.close()

      const isThere = outcome === 'stored but reported failed'
      const written = failingWrite - 1 + (isThere ? 1 : 0)
      if (written === 0) return
      const again = await reopened(location)
      assert.equal(again.records, written)
      const registry = new KeyRegistry(nativeCrypto)
      const { state } = await restoreChain({
        store: new LevelAuditStore(again.database),
        crypto: nativeCrypto,
        registry,
        brokerKey: keyMeriadoc,
        head: blocks.at(-1)?.signed,
      })
      const next = sequencerOn(new LevelAuditStore(again.database), { state })
      next.sequencer.submit(submission('next', publishDecision('next'), order))
      await next.sequencer.drained()
      await again.database.close()
      const last = await reopened(location)
      assert.equal(last.records, written + 1)
      await last.database.close()
    })
  }
}

/** Makes the next write of a running broker fail. */
function failNextWrite(database: StoreDatabase, outcome: FaultOutcome): void {
  const batch = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
  const failing = async (...args: unknown[]) => {
    if (outcome === 'stored but reported failed') await batch(...args)
    throw diskFailure
  }
  Object.assign(database, { batch: failing })
}

async function publishAndSee(t: TestContext, port: number, payload: Uint8Array) {
  const client = await RawMqtt.connect(t, port, { clientId: 'device' })
  client.write(publishPacket({ topic: 'fault', payload, qos: 1 }))
  return client
}

for (const outcome of outcomes) {
  test(`a broker whose store fails (${outcome}) answers nothing more; what is sent again after a restart is recorded once`, async (t) => {
    const location = temporaryDirectory(t)
    const device = new Signer(numberedKey(51))
    const log = { destination: 'stderr', types: ['none'] } as const
    const { broker, port } = await startBroker(t, { location, log })
    await broker.chain.enroll(device.key, 'device')
    const messages = ['first', 'in the failing block', 'after it'].map((text) => device.sign('fault', text))
    const [first, failing, after] = messages as [Uint8Array, Uint8Array, Uint8Array]
    const client = await publishAndSee(t, port, first)
    await client.next('puback')
    failNextWrite(broker.chain.database, outcome)
    client.write(publishPacket({ topic: 'fault', payload: failing, qos: 1, packetId: 2 }))
    assert.equal((await broker.failed).code, 'ERR_STORE_FAILED')
    client.write(publishPacket({ topic: 'fault', payload: after, qos: 1, packetId: 3 }))
    const answered = client.next('puback').then(
      () => 'acknowledged',
      () => 'not answered',
    )
    await broker.close()
    assert.equal(await answered, 'not answered')

    const again = await startBroker(t, { location })
    for (const payload of messages) {
      const retry = await publishAndSee(t, again.port, payload)
      await retry.next('puback')
      retry.socket.end()
      await once(retry.socket, 'close')
    }
    await again.broker.close()
    const counts = await countPayloads(location, 'fault')
    assert.deepEqual([...counts.values()], [1, 1, 1])
    const database = await openStoreDatabase(location, false)
    const result = await verifyStore({ store: new LevelAuditStore(database) })
    await database.close()
    assert.deepEqual(result, { ok: true, checked: 5, signatures: 3 })
  })
}
