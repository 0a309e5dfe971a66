import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inspectors } from '../../../plugins/audit-verify/inspectors.ts'
import { checkReferences } from '../../../plugins/audit-verify/references.ts'
import type { AuditStore } from '../../../plugins/index.ts'
import { verifyStore } from '../../../plugins/index.ts'
import type { TestChain } from '../../helpers/chain.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { goldenChain, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { signed } from '../../protocol/block/faults-of-records.ts'

/** A chain in memory as a store has it, for reading. */
function storeOf({ blocks }: TestChain): AuditStore {
  const stored = blocks.map(({ key, encoded }) => ({ firstIndex: key, encoded }))
  const reading: Pick<AuditStore, 'readState' | 'blockAt' | 'blocks'> = {
    readState: async () => undefined,
    blockAt: async (index) => stored.findLast(({ firstIndex }) => firstIndex <= index),
    blocks: async function* () {
      yield* stored
    },
  }
  return reading as AuditStore
}

const timeMs = startMs + 2000

/** Longer than what is looked at in one thread: 1.5 MB of unsigned publishes, some signed ones behind them. */
function longChain(): TestChain {
  const chain = goldenChain(2)
  for (let n = 0; n < 15; n++) {
    const body = new Uint8Array(100_000).fill(n)
    chain.append([unsignedPublish({ topic: 'a', body, timeMs }, chain.crypto)], timeMs)
  }
  chain.append(
    [1, 2, 3].map((seq) => signed(seq)),
    timeMs,
  )
  return chain
}

test('a long chain is looked at by threads, which find in it what one thread finds', async (t) => {
  const { blocks } = longChain()
  const inspectors = new Inspectors(2, 0)
  atEnd(t, () => inspectors.close())
  const known = { publishers: [], brokerKey: undefined }
  for (const { key, encoded } of blocks) await inspectors.inspect([{ firstIndex: key, encoded }], known)
  assert.equal(inspectors.width, 4, 'two threads, alive')
  const result = await verifyStore({ store: storeOf(longChain()), threads: 2 })
  assert.deepEqual(result, { ok: true, checked: 21, signatures: 3, erased: { bodies: 0, records: 0 } })
})

test('a fault behind the part that threads look at is located as any other', async () => {
  const chain = longChain()
  const block = chain.blocks[16]
  assert.ok(block !== undefined)
  block.encoded[block.encoded.length - 1] = 0xff
  const { firstBad, bad, recordsAfter } = await verifyStore({ store: storeOf(chain), threads: 2 })
  assert.deepEqual([firstBad, bad, recordsAfter], [{ cause: 'payload-mismatch', block: 16, index: 17 }, 1, 3])
})

test('with hashesOnly no signature of a publisher is verified', async () => {
  assert.equal((await verifyStore({ store: storeOf(longChain()), hashesOnly: true })).signatures, 0)
})

test('a verification whose signal is aborted rejects', async () => {
  const stopped = verifyStore({ store: storeOf(longChain()), signal: AbortSignal.abort() })
  await assert.rejects(stopped, { code: 'ERR_VERIFY_STOPPED' })
})

test('a reference to a record that is no publish, or not there, is found with its place', async () => {
  const store = storeOf(goldenChain())
  const check = (...indexes: number[]) =>
    checkReferences(
      store,
      (async function* () {
        yield* indexes.map((index) => ({ index, place: `queue of ${index}` }))
      })(),
      6,
    )
  assert.equal(await check(4, 2, 3), undefined)
  const cause = 'reference-dangling'
  assert.deepEqual(await check(2, 1), { cause, block: 1, index: 1, place: 'queue of 1' })
  assert.deepEqual(await check(3, 6), { cause, block: 3, index: 6, place: 'queue of 6' })
})
