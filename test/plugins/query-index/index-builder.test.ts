import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IndexBuilder, PluginError } from '../../../plugins/index.ts'
import { IndexedChain, publishRecord } from '../../helpers/indexed-chain.ts'
import { until } from '../../helpers/test-sessions.ts'

test('segments are built in the background, not while the store takes no writes, and no more once it is stopped', async (t) => {
  const indexed = await IndexedChain.open(t)
  const add = () => indexed.append(Array.from({ length: 40 }, () => publishRecord('n', 'a')))
  await add()
  const chain: { outage: PluginError | undefined } = { outage: new PluginError('ERR_STORE_FAILED', 'no writes') }
  const builder = new IndexBuilder({ index: indexed.index, chain, onError: (error) => indexed.errors.push(error) })
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(indexed.index.backlog, 2)
  chain.outage = undefined
  await until(() => indexed.index.backlog === 0)
  await builder.stop()
  await add()
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(indexed.index.backlog, 3)
  assert.deepEqual(indexed.errors, [])
})

test('a store that cannot be read is told of, and tried again', async (t) => {
  const indexed = await IndexedChain.open(t)
  await indexed.append(Array.from({ length: 40 }, () => publishRecord('n', 'a')))
  const { store } = indexed.chain
  const blocksAt = store.blocksAt.bind(store)
  store.blocksAt = () => Promise.reject(new Error('I/O error'))
  const chain = { outage: undefined }
  const builder = new IndexBuilder({ index: indexed.index, chain, onError: (error) => indexed.errors.push(error) })
  await until(() => indexed.errors.length > 0)
  store.blocksAt = blocksAt
  await until(() => indexed.index.backlog === 0)
  await builder.stop()
})
