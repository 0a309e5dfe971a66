import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MqttLog } from '../../clients/cli/mqtt-log.ts'
import { toBase64url } from '../../protocol/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { isClientError } from '../helpers/client-codes.ts'
import { brokerThatSays } from '../helpers/scripted-broker.ts'

/** The log of a broker that answers every request with this. */
async function logThatSays(t: TestContext, answer: object): Promise<MqttLog> {
  const port = await brokerThatSays(t, JSON.stringify({ jsonrpc: '2.0', id: 1, ...answer }))
  const log = new MqttLog({ host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' })
  atEnd(t, () => log.close())
  return log
}

test('a path of hashes is given as it came, and anything else in its place as one without hashes', async (t) => {
  const hash = new Uint8Array(32).fill(7)
  const whole = await logThatSays(t, { result: { path: [toBase64url(hash)] } })
  assert.deepEqual(await whole.consistencyPath(1, 2), [hash])
  for (const path of [undefined, null, 'AAAA', {}, [1], [null], ['A'], ['AA=='], [toBase64url(hash), '\u0000']]) {
    const log = await logThatSays(t, { result: { path } })
    assert.deepEqual(await log.consistencyPath(1, 2), [], JSON.stringify(path))
  }
})

test('a broker that refuses a proof, or answers with nothing at all, is unreachable', async (t) => {
  for (const answer of [
    { error: { code: -32009, message: 'no', data: { cause: 'not-yet-covered' } } },
    { result: null },
  ]) {
    const log = await logThatSays(t, answer)
    await assert.rejects(log.consistencyPath(1, 2), isClientError('ERR_LOG_UNREACHABLE'))
  }
})

test('only the refusal to who is no administrator means that leaves are not shown', async (t) => {
  const refusal = (cause: string) => ({ error: { code: 1, message: 'no', data: { cause } } })
  assert.equal(await (await logThatSays(t, { result: {} })).mayReadLeaves(), true)
  assert.equal(await (await logThatSays(t, refusal('not-authorized'))).mayReadLeaves(), false)
  const busy = await logThatSays(t, refusal('too-busy'))
  await assert.rejects(busy.mayReadLeaves(), isClientError('ERR_LOG_UNREACHABLE'))
})
