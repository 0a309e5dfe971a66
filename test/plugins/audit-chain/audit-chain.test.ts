import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AuditChain, PluginError } from '../../../plugins/index.ts'
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

test('a closed chain takes nothing more', async (t) => {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  await chain.close()
  assert.throws(
    () => chain.submit({ bytes: 0, decide: () => undefined, settle: () => {} }),
    (error) => error instanceof PluginError && error.code === 'ERR_CHAIN_CLOSED',
  )
})
