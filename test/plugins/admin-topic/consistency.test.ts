import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdminService, AuditChain, nativeCrypto, PublishCounters } from '../../../plugins/index.ts'
import { type AdminMethods, fromBase64url, verifyConsistency } from '../../../protocol/index.ts'
import { stranger } from '../../helpers/admin-rights.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { unsignedPublish } from '../../helpers/golden-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test('audit.consistency proves to anybody that a tree extends another, and tells no tree that there is not', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  const roots = [chain.state.frontier.root()]
  for (let i = 0; i < 9; i++) {
    await chain.record((_index, timeMs) =>
      unsignedPublish({ topic: 'plant/1', body: Uint8Array.of(i), timeMs }, nativeCrypto),
    )
    roots.push(chain.state.frontier.root())
  }
  const service = new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 })
  const ask = (params: object) => {
    const request = { jsonrpc: '2.0', id: 1, method: 'audit.consistency', params }
    return service.answer(Buffer.from(JSON.stringify(request)), { auth: 'none' }, stranger, (error) =>
      assert.fail(`${error}`),
    )
  }
  for (const [from, to] of [
    [1, 10],
    [3, 7],
    [4, 4],
  ] as const) {
    const response = await ask({ from, to })
    assert.ok('result' in response)
    const result = response.result as AdminMethods['audit.consistency']['result']
    assert.deepEqual([result.from, result.to], [from, to])
    const proof = { size1: BigInt(from), size2: BigInt(to), path: result.path.map(fromBase64url) }
    const [oldRoot, newRoot] = [roots[from - 1], roots[to - 1]]
    if (oldRoot === undefined || newRoot === undefined) assert.fail('no such root')
    verifyConsistency(proof, oldRoot, newRoot, nativeCrypto)
  }
  for (const [params, cause] of [
    [{ from: 0, to: 5 }, 'invalid-params'],
    [{ from: 6, to: 5 }, 'invalid-params'],
    [{ from: 1 }, 'invalid-params'],
    [{ from: 1, to: 5, path: [] }, 'invalid-params'],
    [{ from: 1, to: 11 }, 'not-found'],
  ] as const) {
    const response = await ask(params)
    assert.equal('error' in response && response.error.data?.cause, cause)
  }
})
