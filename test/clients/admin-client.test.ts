import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAnswer } from '../../clients/admin-answer.ts'
import { withAdminClient } from '../../clients/cli/admin-client.ts'
import { ClientError } from '../../clients/errors.ts'
import { requestTopic } from '../../protocol/index.ts'
import { brokerThatSays } from '../helpers/scripted-broker.ts'

const flagsOf = (port: number) => ({ host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' })

const ask = (port: number) => withAdminClient(flagsOf(port), (admin) => admin.request('audit.checkpoint', {}))

/** None of them an answer. */
const noAnswers = [
  ...['', '{', 'null', '1', '"text"', '[]', '{}', '{"id":1}', '{"id":{},"result":1}', '{"id":1,"error":null}'],
  ...['{"id":1,"error":{"message":1}}', '{"method":"audit.progress"}', '{"method":"x","params":null}'],
  '{"method":"audit.progress","params":{"id":1,"records":"many","total":2}}',
]

test('what is no answer of JSON-RPC is told apart from what is one', () => {
  for (const text of noAnswers) assert.equal(parseAnswer(Buffer.from(text)), undefined, text)
  assert.equal(parseAnswer(Uint8Array.of(0xff)), undefined)
  for (const text of [
    '{"jsonrpc":"2.0","id":1,"result":null}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}',
    '{"jsonrpc":"2.0","method":"audit.progress","params":{"id":1,"records":1,"total":2}}',
  ]) {
    assert.deepEqual(parseAnswer(Buffer.from(text)), JSON.parse(text))
  }
})

test('a broker that answers with anything at all ends the request, not the process', async (t) => {
  for (const answer of ['{', 'null', '{"method":"x","params":null}']) {
    const port = await brokerThatSays(t, answer)
    await assert.rejects(ask(port), (error) => error instanceof ClientError && error.code === 'ERR_ADMIN')
  }
})

test('what a broker says of a refusal moves no cursor', async (t) => {
  const port = await brokerThatSays(
    t,
    JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no\x1b[2J' } }),
  )
  await assert.rejects(ask(port), { code: 'ERR_ADMIN', message: 'no\\u{1b}[2J' })
})

test('progress and answers to somebody else do not end a request', async (t) => {
  const progress = { jsonrpc: '2.0', method: 'audit.progress', params: { id: 1, records: 1, total: 2 } }
  const others = { jsonrpc: '2.0', id: 'other', result: 'wrong' }
  const answer = { jsonrpc: '2.0', id: 1, result: { checkpoint: 'note' } }
  const port = await brokerThatSays(t, ...[progress, others, answer].map((one) => JSON.stringify(one)))
  assert.deepEqual(await ask(port), { checkpoint: 'note' })
})

test('what is heard on another topic is no answer', async (t) => {
  const answer = { jsonrpc: '2.0', id: 1, result: { checkpoint: 'note' } }
  const port = await brokerThatSays(t, JSON.stringify(answer))
  const heard: unknown[] = []
  const answered = await withAdminClient(flagsOf(port), async (admin) => {
    // This broker routes the request like any message, so that it comes before its answer.
    assert.ok(await admin.hear(requestTopic.admin, (payload) => heard.push(JSON.parse(`${payload}`).method)))
    return admin.request('audit.checkpoint', {})
  })
  assert.deepEqual([answered, heard], [answer.result, ['audit.checkpoint']])
})

test('a refusal has its cause, and what is told as one that is no word has none', async (t) => {
  for (const [data, cause] of [
    [{ cause: 'not-authorized' }, 'not-authorized'],
    [{ cause: { toString: 1 } }, undefined],
    [null, undefined],
  ]) {
    const refusal = { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no', data } }
    const port = await brokerThatSays(t, JSON.stringify(refusal))
    await assert.rejects(ask(port), { code: 'ERR_ADMIN', details: { cause } })
  }
})
