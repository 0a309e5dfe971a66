import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AuditChain,
  CheckpointKeeper,
  DirectTopics,
  nativeCrypto,
  ReceiptPush,
  Retention,
} from '../../../plugins/index.ts'
import { type DroppedReceipts, type PushedReceipt, receiptTopic } from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { provesRecord } from '../../helpers/receipt-check.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { until } from '../../helpers/test-sessions.ts'

const owner = { clientId: 'sensor-1', username: undefined, auth: 'none' } as const

/** One client of MQTT 3.1.1 that listens, and takes what it is sent unless it is congested. */
async function listening(t: TestContext) {
  const chain = await AuditChain.open({ location: join(temporaryDirectory(t), 'data') })
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const options = { chain, crypto: nativeCrypto, onError }
  const checkpoints = await CheckpointKeeper.open({ ...options, intervalMs: () => 20, now: () => startMs })
  const topics = new DirectTopics(onError)
  const push = new ReceiptPush({ ...options, checkpoints, topics })
  atEnd(t, async () => {
    await push.close()
    await checkpoints.close()
    await chain.close()
  })
  const messages: (PushedReceipt | DroppedReceipts)[] = []
  const client = {
    id: 'sensor-1',
    version: 4,
    isCongested: false,
    mostBytes: Number.POSITIVE_INFINITY,
    publish({ payload }: { payload: string | Buffer }, done: () => void) {
      if (payload.length > this.mostBytes) return false
      messages.push(JSON.parse(`${payload}`))
      done()
      return true
    },
  }
  assert.ok(topics.subscribe(client, receiptTopic('-')))
  const queue = push.queueOf(client, owner) ?? assert.fail('no queue')
  const append = async (clientId: string = owner.clientId) => {
    let at = 0
    await chain.record((index, timeMs) => {
      at = index
      return unsignedPublish({ topic: 'a', body: Uint8Array.of(index), timeMs }, nativeCrypto, { clientId })
    })
    return at
  }
  return { chain, checkpoints, push, topics, client, queue, messages, errors, append }
}

const indexesOf = (messages: readonly (PushedReceipt | DroppedReceipts)[]) =>
  messages.map((message) => ('index' in message ? message.index : message))

test('a receipt is sent when a checkpoint covers the publish, not before', async (t) => {
  const { chain, checkpoints, queue, messages, append } = await listening(t)
  queue.accepted(await append())
  queue.accepted(await append())
  assert.deepEqual(messages, [])
  await checkpoints.make()
  await until(() => messages.length === 2)
  assert.deepEqual(indexesOf(messages), [1, 2])
  for (const message of messages) {
    assert.ok(await provesRecord(message as PushedReceipt, chain.brokerKey, chain.genesis.origin))
  }
})

test('a publish that is covered already has its receipt at once', async (t) => {
  const { checkpoints, queue, messages, append } = await listening(t)
  const index = await append()
  await checkpoints.make()
  queue.accepted(index)
  await until(() => messages.length === 1)
  assert.deepEqual(indexesOf(messages), [index])
})

test('of more than 10000 that wait the later ones are dropped, and the client is told which', async (t) => {
  const { checkpoints, queue, messages, append } = await listening(t)
  const first = await append()
  // One record many times: what is counted is what waits.
  for (let i = 0; i < 10_000; i++) queue.accepted(first)
  const [from, to] = [await append(), await append()]
  for (const index of [from, to]) queue.accepted(index)
  await checkpoints.make()
  await until(() => messages.length === 10_001)
  assert.deepEqual(messages.at(-1), { dropped: 2, fromIndex: from, toIndex: to })
})

test('a client that does not keep up gets its receipts later, in their order', async (t) => {
  const { checkpoints, client, queue, messages, append } = await listening(t)
  client.isCongested = true
  queue.accepted(await append())
  await checkpoints.make()
  queue.accepted(await append())
  assert.deepEqual(messages, [])
  client.isCongested = false
  await checkpoints.make()
  await until(() => messages.length === 2)
  assert.deepEqual(indexesOf(messages), [1, 2])
})

test('nobody is sent a record of somebody else, whatever index was noted', async (t) => {
  const { checkpoints, queue, messages, append } = await listening(t)
  queue.accepted(await append('somebody else'))
  queue.accepted(await append())
  await checkpoints.make()
  await until(() => messages.length === 1)
  assert.deepEqual(indexesOf(messages), [2])
})

test('a receipt that is larger than the client takes is told as dropped', async (t) => {
  const { checkpoints, client, queue, messages, append } = await listening(t)
  client.mostBytes = 100
  const index = await append()
  queue.accepted(index)
  await checkpoints.make()
  await until(() => messages.length === 1)
  assert.deepEqual(messages, [{ dropped: 1, fromIndex: index, toIndex: index }])
})

test('what is published in the name of a client without it has its receipt, now or when it listens again', async (t) => {
  const { checkpoints, client, push, messages, append } = await listening(t)
  push.acceptedFor(owner.clientId, await append())
  await checkpoints.make()
  await until(() => messages.length === 1)
  push.forget(client)
  push.acceptedFor(owner.clientId, await append())
  push.acceptedFor('somebody else', await append('somebody else'))
  await checkpoints.make()
  assert.deepEqual(indexesOf(messages), [1])
  push.queueOf(client, owner)
  await until(() => messages.length === 2)
  push.forget(client)
  push.queueOf(client, owner)
  await append()
  await checkpoints.make()
  assert.deepEqual(indexesOf(messages), [1, 2], 'once')
})

test('what waits for clients that are away is bounded', async (t) => {
  const { checkpoints, client, push, messages, append } = await listening(t)
  push.forget(client)
  const index = await append()
  for (let i = 0; i < 150; i++) push.acceptedFor(owner.clientId, index)
  await checkpoints.make()
  push.queueOf(client, owner)
  await until(() => messages.length >= 100)
  push.forget(client)
  push.acceptedFor(owner.clientId, index)
  for (let i = 0; i < 1000; i++) push.acceptedFor(`${i}`, index)
  push.queueOf(client, owner)?.accepted(index)
  await until(() => messages.length > 100)
  assert.equal(messages.length, 101, 'the one that came first is forgotten')
})

test('what cannot be proved is told as dropped, and the log learns why', async (t) => {
  const { checkpoints, chain, queue, messages, errors, append } = await listening(t)
  const index = await append()
  await checkpoints.make()
  const failure = new Error('unreadable')
  chain.store.blockAt = () => Promise.reject(failure)
  queue.accepted(index)
  await until(() => messages.length === 1)
  assert.deepEqual(messages, [{ dropped: 1, fromIndex: index, toIndex: index }])
  assert.deepEqual(errors, [failure])
})

test('a publish that was erased meanwhile is told as dropped, and those after it have their receipts', async (t) => {
  const { chain, checkpoints, queue, messages, errors, append } = await listening(t)
  const erased = await append()
  for (const index of [erased, await append()]) queue.accepted(index)
  const pins = async () => ({ indexes: new Set<number>(), below: chain.nextIndex })
  const retention = new Retention({
    chain,
    rules: () => [],
    pins,
    forgetRecords: () => Promise.resolve(),
    now: () => startMs,
    onError: (error) => errors.push(error),
  })
  const request = { what: 'records', fromIndex: erased, toIndex: erased, reason: 'asked for' } as const
  await retention.erase(request, { auth: 'none' }, false)
  await checkpoints.make()
  await until(() => messages.length === 2)
  assert.deepEqual(indexesOf(messages), [erased + 1, { dropped: 1, fromIndex: erased, toIndex: erased }])
  assert.deepEqual(errors, [])
})

test('who listens no more has no queue', async (t) => {
  const { push, topics, client } = await listening(t)
  topics.unsubscribe(client, [receiptTopic('-')])
  assert.equal(push.queueOf(client, owner), undefined)
})
