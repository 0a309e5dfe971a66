import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AuditChain, PluginError, type StoreOperation, storeSublevel } from '../../../plugins/index.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test("the broker's own key cannot be enrolled: what it signs must never pass for a publish", async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  await assert.rejects(
    chain.enroll(chain.genesis.brokerKey, 'broker'),
    (error) => error instanceof PluginError && error.code === 'ERR_KEY_RESERVED',
  )
  assert.equal(chain.state.frontier.size, 1)
  await chain.close()
})

test('whoever waits for a record when the chain fails is told, and nobody after it', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  chain.store.write = () => Promise.reject(new Error('write failed'))
  const isFailed = (error: unknown) => error instanceof PluginError && error.code === 'ERR_STORE_FAILED'
  const written = [chain.record(() => ({ also: [put(chain)] })), chain.record(() => ({ also: [put(chain)] }))]
  const refused = written.map((one) => assert.rejects(one, isFailed))
  // While there is an outage, that ends it.
  while (chain.outage === undefined) await nextTurn()
  await chain.drained()
  await Promise.all(refused)
  await assert.rejects(
    chain.record(() => ({ also: [put(chain)] })),
    isFailed,
  )
  await chain.close()
})

function put({ database }: AuditChain): StoreOperation {
  return { type: 'put', sublevel: storeSublevel(database, 'test'), key: Uint8Array.of(1), value: Uint8Array.of(2) }
}

test('a closed chain takes nothing more', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  await chain.close()
  assert.throws(
    () => chain.submit({ bytes: 0, decide: () => undefined, settle: () => {} }),
    (error) => error instanceof PluginError && error.code === 'ERR_CHAIN_CLOSED',
  )
})
