import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminService, AuditChain, CheckpointKeeper, nativeCrypto, PublishCounters } from '../../../plugins/index.ts'
import { administrator } from '../../helpers/admin-rights.ts'
import { appendPublishes } from '../../helpers/checkpointed-chain.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { startMs } from '../../helpers/golden-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test('a receipt takes one reading of the block, whether its checkpoint is there or is waited for', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  const onError = (error: unknown) => assert.fail(`${error}`)
  const options = { chain, crypto: nativeCrypto, intervalMs: () => 1000, onError, now: () => startMs }
  const checkpoints = await CheckpointKeeper.open(options)
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0, checkpoints })
  let read = 0
  const blockAt = chain.store.blockAt.bind(chain.store)
  chain.store.blockAt = (index) => {
    read++
    return blockAt(index)
  }
  const ask = (index: number) => {
    const request = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'audit.receipt', params: { index } })
    return service.answer(Buffer.from(request), { auth: 'none' }, administrator, onError)
  }
  await appendPublishes(chain, 2)
  const waiting = ask(2)
  await checkpoints.make()
  for (const answer of [await waiting, await ask(1)]) assert.ok('result' in answer, JSON.stringify(answer))
  assert.equal(read, 2)
})
