import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  answerKeyExchange,
  fromHex,
  isHopMacValid,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  parseKeyExchangeRequest,
  toHex,
  verifyKeyExchangeRequest,
} from '../../protocol/index.ts'
import { documentProgram, documentVectors } from '../helpers/envelope-document.ts'
import { example, isGenuine } from '../helpers/envelopes.ts'
import { exchangeAnswer, exchangeBroker } from '../helpers/key-exchange.ts'
import { key11, keyMeriadoc, testKey } from '../helpers/keys.ts'
import { runPython } from '../helpers/python.ts'
import { hasPython } from '../helpers/tools.ts'

// The example program of docs/envelope.md, run as it stands there; it was written from the document's text.

const vectors = documentVectors()
const vector = (name: string) => toHex(vectors.bytes(name))

/** Calls one of its functions. @param call a Python expression of bytes, texts and numbers, in JSON's place */
async function callProgram<T>(t: TestContext, call: string): Promise<T> {
  const helpers = `
import json
def private(scalar): return ec.derive_private_key(int(scalar, 16), ec.SECP256R1())
key = private("${toHex(key11.d)}")
broker_key = private("${toHex(keyMeriadoc.d)}").public_key()
ephemeral = private("${vector('client-ephemeral.d')}")
def b(digits): return bytes.fromhex(digits)
def plain(value): return value.hex() if isinstance(value, bytes) else value
value = ${call}
print(json.dumps([plain(one) for one in value] if isinstance(value, tuple) else plain(value)))
`
  const { code, stdout, stderr } = await runPython(t, ['-c', documentProgram('python') + helpers])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  return JSON.parse(stdout) as T
}

const signing = `key, "${example.topic}", b("${toHex(example.payload)}"), 1, ${example.timeMs}`
const inSession = `b("${toHex(example.session.sid)}"), b("${toHex(example.session.key)}")`

test('the Python example of docs/envelope.md makes attached envelopes, MACed, that are accepted', async (t) => {
  if (!hasPython(t)) return
  const message = fromHex(await callProgram<string>(t, `add_mac(${inSession}, sign(${signing}))`))
  const envelope = parseAttachedEnvelope(message)
  assert.ok(envelope?.mac !== undefined && isHopMacValid(envelope.mac, example.session.key, nativeCrypto))
  assert.equal(await isGenuine(envelope, example.topic, key11, nativeCrypto), true)
  assert.deepEqual([envelope.seq, envelope.timeMs], [1, example.timeMs])
})

test('the Python example of docs/envelope.md makes detached envelopes, MACed, that are accepted', async (t) => {
  if (!hasPython(t)) return
  const payload = `b("${toHex(example.payload)}")`
  const call = `property_value(add_mac(${inSession}, sign(${signing}, detached=True), ${payload}))`
  const envelope = parseDetachedEnvelope(await callProgram<string>(t, call), example.payload)
  assert.ok(envelope?.mac !== undefined && isHopMacValid(envelope.mac, example.session.key, nativeCrypto))
  assert.equal(await isGenuine(envelope, example.topic, key11, nativeCrypto), true)
})

test('the Python example of docs/envelope.md comes to the session of the vectors', async (t) => {
  if (!hasPython(t)) return
  const nonce = vector('exchange.salt').slice(0, 32)
  const call = `session(ephemeral, b("${nonce}"), b("${vector('request')}"), b("${vector('response')}"), broker_key, "device/1")`
  const expected = [vector('exchange.sid'), vector('exchange.session-key')]
  assert.deepEqual(await callProgram<string[]>(t, call), expected)
})

test('the Python example of docs/envelope.md and a broker come to one session', async (t) => {
  if (!hasPython(t)) return
  const nonce = '5a'.repeat(16)
  const call = `request(key, ephemeral, b("${nonce}"), "device/1", 2, ${example.timeMs})`
  const message = await callProgram<string>(t, call)
  const request = parseKeyExchangeRequest(fromHex(message), nativeCrypto)
  await verifyKeyExchangeRequest(request, key11, nativeCrypto)
  assert.equal(toHex(request.ephemeral.x), toHex(testKey(vector('client-ephemeral.d')).x))
  const broker = answerKeyExchange(exchangeBroker, request, exchangeAnswer, nativeCrypto)
  const finish = `session(ephemeral, b("${nonce}"), b("${message}"), b("${toHex(broker.message)}"), broker_key, "device/1")`
  assert.deepEqual(await callProgram<string[]>(t, finish), [toHex(broker.sid), toHex(broker.key)])
})
