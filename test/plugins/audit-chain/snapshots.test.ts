import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AuditChain, nativeCrypto, openStoreDatabase, type PluginError, verifyStore } from '../../../plugins/index.ts'
import { encodeKeyMemory, type KeyRegistry, signPublish, toHex } from '../../../protocol/index.ts'
import { signedPublish, startMs } from '../../helpers/golden-chain.ts'
import { numberedKey, publicOf, type TestKey } from '../../helpers/keys.ts'
import { type BlockTable, flip, tamper } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const [one, two, three] = [numberedKey(41), numberedKey(42), numberedKey(43)] as const
const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const
const signedName = Buffer.from('signed')

/** Records a signed publish, or a signed will that fires. */
function publish(chain: AuditChain, key: TestKey, seq: number, outcome: 'signed' | 'will' = 'signed'): Promise<void> {
  const message = { topic: 'plant/1', payload: Uint8Array.of(1), seq, timeMs: startMs }
  const envelope = signPublish(key, key.thumbprint, message, nativeCrypto)
  return new Promise((resolve) =>
    chain.submit({
      bytes: 1,
      decide: (index, timeMs) => {
        const entry = signedPublish(envelope, message.topic, key.thumbprint, timeMs, nativeCrypto, { outcome })
        assert.ok(chain.registry.enter(entry.record, index))
        return entry
      },
      settle: resolve,
    }),
  )
}

/** Everything that a registry knows. */
function contentOf(registry: KeyRegistry): unknown {
  return registry.list().map((key) => {
    const { name, thumbprint, enrolledAt, revokedAt, lastIndex, replaces, restrictions } = key
    const ids = [toHex(thumbprint), replaces === undefined ? undefined : toHex(replaces)]
    return [name, ids, enrolledAt, revokedAt, lastIndex, restrictions, toHex(encodeKeyMemory(key))]
  })
}

/** A stopped chain: one key in use, one revoked, one that replaces the first with an overlap. */
async function stoppedChain(t: TestContext): Promise<{ location: string; content: unknown }> {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await AuditChain.open({ location })
  await chain.enroll(publicOf(one), { name: 'one', restrictions: { topics: ['plant/#'], window: 64 } })
  await chain.enroll(publicOf(two), 'two')
  for (const seq of [5, 3, 900]) await publish(chain, two, seq)
  await publish(chain, one, 7)
  await publish(chain, one, 8, 'will')
  await chain.revoke(two.thumbprint, 'stolen')
  await chain.enroll(publicOf(three), { name: 'three', replaces: one.thumbprint, overlap: 100 })
  const content = contentOf(chain.registry)
  await chain.close()
  return { location, content }
}

/** Changes what is stored of the snapshot. */
async function alterSnapshot(
  location: string,
  change: (
    entries: ReadonlyMap<string, Uint8Array>,
  ) => readonly (readonly [key: string, value: Uint8Array | undefined])[],
): Promise<void> {
  const database = await openStoreDatabase(location, false)
  const sublevel = database.sublevel<Uint8Array, Uint8Array>('snapshot', encodings)
  const all = await sublevel.iterator().all()
  const entries = new Map(all.map(([key, value]) => [toHex(key), Uint8Array.from(value)]))
  for (const [key, value] of change(entries)) {
    if (value === undefined) await sublevel.del(Buffer.from(key, 'hex'))
    else await sublevel.put(Buffer.from(key, 'hex'), value)
  }
  await database.close()
}

const readSnapshot = async (location: string): Promise<ReadonlyMap<string, Uint8Array>> => {
  let found: ReadonlyMap<string, Uint8Array> = new Map()
  await alterSnapshot(location, (entries) => {
    found = entries
    return []
  })
  return found
}

/** Opens, compares, closes. @returns codes of what the start warned of */
async function reopened(location: string, content: unknown): Promise<string[]> {
  const warnings: string[] = []
  const chain = await AuditChain.open({ location, onError: (error) => warnings.push((error as PluginError).code) })
  assert.deepEqual(contentOf(chain.registry), content)
  await chain.close()
  return warnings
}

const flipFirstBlocks = (location: string) =>
  tamper(location, async (blocks) => {
    for (const key of blocks.keys.slice(0, 3)) await blocks.alter(key, ({ entries }) => flip(entries[0]?.record, 20))
  })

test('a start after a clean stop knows the same from the snapshot as from walking the whole chain', async (t) => {
  const { location, content } = await stoppedChain(t)
  assert.deepEqual(await reopened(location, content), [])
  await alterSnapshot(location, (entries) => [...entries.keys()].map((key) => [key, undefined]))
  assert.deepEqual(await reopened(location, content), [])
})

test('the start does not look at what lies below a snapshot; audit verify does', async (t) => {
  const { location, content } = await stoppedChain(t)
  await flipFirstBlocks(location)
  assert.deepEqual(await reopened(location, content), [])
  const chain = await AuditChain.open({ location })
  assert.equal((await verifyStore({ store: chain.store })).firstBad?.index, 0)
  await chain.close()
})

test('a snapshot with a byte changed anywhere is told of and not used', async (t) => {
  const { location, content } = await stoppedChain(t)
  const entries = await readSnapshot(location)
  assert.equal(entries.size, 4, 'the signed part and one value for each key')
  for (const [key, value] of entries) {
    for (let at = 0; at < value.length; at += Math.ceil(value.length / 8)) {
      const changed = Uint8Array.from(value)
      flip(changed, at)
      await alterSnapshot(location, () => [[key, changed]])
      assert.deepEqual(await reopened(location, content), ['ERR_SNAPSHOT_INVALID'], `byte ${at} of ${key}`)
      await alterSnapshot(location, () => [...entries])
    }
  }
})

test('a snapshot without one of its values is told of and not used', async (t) => {
  const { location, content } = await stoppedChain(t)
  await alterSnapshot(location, () => [[toHex(two.thumbprint), undefined]])
  assert.deepEqual(await reopened(location, content), ['ERR_SNAPSHOT_INVALID'])
})

test('a snapshot from before a revocation revives nothing: the blocks after it are walked', async (t) => {
  const { location } = await stoppedChain(t)
  const early = await readSnapshot(location)
  const chain = await AuditChain.open({ location })
  await chain.revoke(three.thumbprint)
  const content = contentOf(chain.registry)
  await chain.close()
  await alterSnapshot(location, () => [...early])
  assert.deepEqual(await reopened(location, content), [])
})

test('a snapshot that the broker signed for another course of the chain is not used', async (t) => {
  const { location } = await stoppedChain(t)
  const fork = join(temporaryDirectory(t), 'fork')
  cpSync(location, fork, { recursive: true })
  const grow = async (at: string, key: TestKey) => {
    const chain = await AuditChain.open({ location: at })
    if (key === one) await chain.revoke(three.thumbprint)
    else await chain.enroll(publicOf(key), 'other')
    const content = contentOf(chain.registry)
    await chain.close()
    return content
  }
  const content = await grow(location, one)
  await grow(fork, numberedKey(44))
  const forked = await readSnapshot(fork)
  await alterSnapshot(location, () => [...forked])
  assert.deepEqual(await reopened(location, content), ['ERR_SNAPSHOT_INVALID'])
})

test('a broker that is killed starts from the last snapshot and what was recorded after it', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await AuditChain.open({ location, recordsPerSnapshot: 4 })
  await chain.enroll(publicOf(one), 'one')
  for (let seq = 1; seq <= 15; seq++) await publish(chain, one, seq)
  const content = contentOf(chain.registry)
  const killed = join(temporaryDirectory(t), 'data')
  // What a process that ends now leaves behind; only the lock is the one of the living.
  cpSync(location, killed, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
  await chain.close()
  const table = await readSnapshot(killed)
  assert.ok(table.has(toHex(signedName)), 'a snapshot was written on the way')
  await flipFirstBlocks(killed)
  assert.deepEqual(await reopened(killed, content), [])
})

test('a damaged block after the snapshot still keeps the broker from starting', async (t) => {
  const { location } = await stoppedChain(t)
  const early = await readSnapshot(location)
  const chain = await AuditChain.open({ location })
  for (const seq of [20, 21, 22]) await publish(chain, three, seq)
  await chain.close()
  await alterSnapshot(location, () => [...early])
  await tamper(location, async (blocks: BlockTable) => {
    await blocks.alter(blocks.keys.at(-2) ?? assert.fail(), ({ entries }) => flip(entries[0]?.record, 20))
  })
  await assert.rejects(AuditChain.open({ location }), { code: 'ERR_CHAIN_DAMAGED' })
})
