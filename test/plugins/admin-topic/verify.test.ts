import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { blocksSublevel, decodeIndex, encodeIndex } from '../../../plugins/audit-chain/index.ts'
import { checkpointTable, newestKey } from '../../../plugins/checkpoints/stored-checkpoint.ts'
import {
  AdminService,
  AuditChain,
  CheckpointKeeper,
  nativeCrypto,
  PublishCounters,
  readAt,
  type StoreSnapshot,
  type VerifySources,
} from '../../../plugins/index.ts'
import type { AuditVerifyResult } from '../../../protocol/index.ts'
import { administrator } from '../../helpers/admin-rights.ts'
import { appendPublishes } from '../../helpers/checkpointed-chain.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { startMs } from '../../helpers/golden-chain.ts'
import { flip } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** A chain with three publishes, 1 to 3, its head on disk, and checkpoints of 2 and 4 records. */
async function openChain(t: TestContext) {
  const location = temporaryDirectory(t)
  const first = await AuditChain.open({ location })
  await appendPublishes(first, 1)
  await first.close()
  const chain = await AuditChain.open({ location })
  atEnd(t, () => chain.close())
  const checkpoints = await CheckpointKeeper.open({
    chain,
    crypto: nativeCrypto,
    intervalMs: () => 1000,
    onError: (error) => assert.fail(`${error}`),
    now: () => startMs,
  })
  await checkpoints.make()
  await appendPublishes(chain, 2)
  await checkpoints.make()
  return { location, chain, checkpoints }
}

type Opened = Pick<Awaited<ReturnType<typeof openChain>>, 'chain' | 'checkpoints'>

const nothing: VerifySources = {
  async *references() {},
  kept: async () => [],
}

async function verify({ chain, checkpoints }: Opened, sources: Partial<VerifySources> = {}) {
  const verifySources = { ...nothing, ...sources }
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0, checkpoints, verifySources })
  const request = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'audit.verify', params: {} }))
  const response = await service.answer(request, { auth: 'none' }, administrator, (error) => assert.fail(`${error}`))
  assert.ok('result' in response, JSON.stringify(response))
  const { ok, firstBad } = response.result as AuditVerifyResult
  return ok ? 'ok' : firstBad
}

test('a live chain that extends its head and its checkpoints verifies, also while it grows', async (t) => {
  const opened = await openChain(t)
  assert.equal(await verify(opened), 'ok')
  const kept = async () => {
    // Published while the verification is about to begin.
    await appendPublishes(opened.chain, 1)
    await opened.checkpoints.make()
    return [{ note: opened.checkpoints.newest?.note ?? '', place: 'elsewhere' }]
  }
  assert.equal(await verify(opened, { kept }), 'ok')
})

test('a head beside a live chain that its broker did not sign is found', async (t) => {
  const opened = await openChain(t)
  const path = join(opened.location, 'head')
  const head = readFileSync(path)
  flip(head, -1)
  writeFileSync(path, head)
  const found = await verify(opened)
  assert.ok(found !== 'ok' && found?.cause === 'head-invalid', JSON.stringify(found))
})

test('a live chain is held against what it published, what its store has, and what is kept elsewhere', async (t) => {
  const opened = await openChain(t)
  const { chain, checkpoints } = opened
  const other = await openChain(t)
  const note = other.checkpoints.newest?.note ?? assert.fail('no checkpoint')
  const invalid = (place: string) => ({ cause: 'checkpoint-invalid', block: 0, index: 0, place })
  assert.deepEqual(await verify({ chain, checkpoints: other.checkpoints }), invalid('the broker'))
  assert.deepEqual(await verify(opened, { kept: async () => [{ note, place: 'elsewhere' }] }), invalid('elsewhere'))
  await checkpointTable(chain.database).put(newestKey, Buffer.from(note))
  assert.deepEqual(await verify({ chain, checkpoints }), invalid('the store'))
})

test('references are those of the moment of which the chain is, whatever is erased meanwhile', async (t) => {
  const opened = await openChain(t)
  const { database } = opened.chain
  const blocks = blocksSublevel(database)
  async function* references(snapshot: StoreSnapshot) {
    const [key] = await blocks.keys({ reverse: true, limit: 1, ...readAt(snapshot) }).all()
    assert.equal(key && decodeIndex(key), 3)
    await blocks.del(encodeIndex(3))
    yield { index: 3, place: 'queue of press-7' }
  }
  assert.equal(await verify(opened, { references }), 'ok')
  assert.equal(await blocks.get(encodeIndex(3)), undefined)
})

test('a reference of a live broker to no message is found', async (t) => {
  const opened = await openChain(t)
  async function* references() {
    yield { index: 9, place: 'queue of press-7' }
  }
  const found = await verify(opened, { references })
  assert.ok(found !== 'ok' && found?.cause === 'reference-dangling', JSON.stringify(found))
})
