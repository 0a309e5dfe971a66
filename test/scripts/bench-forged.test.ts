import assert from 'node:assert/strict'
import { createPublicKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  answerKeyExchange,
  isHopMacValid,
  parseAttachedEnvelope,
  parseKeyExchangeRequest,
  verifyKeyExchangeRequest,
} from '../../protocol/index.ts'
import { encodeExchangeRequest, encodeForged, readSessionId } from '../../scripts/bench/forged-mac.ts'
import type { ForgedJob, LoadJob } from '../../scripts/bench/jobs.ts'
import { measure } from '../../scripts/bench/measure.ts'
import { makePublisherKeys } from '../../scripts/bench/variant-runner.ts'
import { firstSignedSeq } from '../../scripts/bench/workload.ts'
import { keyMeriadoc } from '../helpers/keys.ts'
import { type Faults, withFakeBroker } from './fake-broker.ts'

const [first, second] = makePublisherKeys()
assert.ok(first !== undefined && second !== undefined)
const identity = { privateKey: first.privateKey, seq: firstSignedSeq, timeMs: 1767225600000 }
const sid = Buffer.from('0102030405060708', 'hex')

/** As the broker would. */
function answer(request: Uint8Array): Buffer {
  const asked = parseKeyExchangeRequest(request, nativeCrypto)
  const about = { clientId: 'forger', expiryMs: 2, brokerTimeMs: 1, highestSeq: 1 }
  const signer = { key: keyMeriadoc, thumbprint: keyMeriadoc.thumbprint }
  return Buffer.from(answerKeyExchange(signer, asked, about, nativeCrypto).message)
}

test('the request of a session is one that the protocol takes, with the sequence number it was given', async () => {
  const request = parseKeyExchangeRequest(encodeExchangeRequest(identity), nativeCrypto)
  const jwk = createPublicKey(first.publicKey).export({ format: 'jwk' })
  const key = { x: Buffer.from(jwk.x ?? '', 'base64url'), y: Buffer.from(jwk.y ?? '', 'base64url') }
  // Rejects when the signature is wrong.
  await verifyKeyExchangeRequest(request, key, nativeCrypto)
  assert.equal(request.envelope.seq, firstSignedSeq)
})

test('the session id is read from the answer of the protocol, and from nothing else', () => {
  const found = readSessionId(answer(encodeExchangeRequest(identity)))
  assert.equal(found.length, 8)
  assert.throws(() => readSessionId(randomBytes(300)))
  assert.throws(() => readSessionId(Buffer.alloc(0)))
})

test('a forged message is an envelope with a hop MAC of the session, which no key makes valid', () => {
  const payload = randomBytes(200)
  const envelope = parseAttachedEnvelope(encodeForged(sid, identity, payload))
  assert.ok(envelope?.mac !== undefined)
  assert.deepEqual([Buffer.from(envelope.mac.sid), Buffer.from(envelope.payload)], [sid, payload])
  assert.equal(isHopMacValid(envelope.mac, new Uint8Array(32), nativeCrypto), false)
})

const base = {
  host: '127.0.0.1',
  runId: 5,
  quietMs: 300,
  deadlineMs: 10_000,
  publishers: 2,
  messagesPerPublisher: 100,
  payloadBytes: 200,
  window: 10,
}
const signing = { privateKeys: [first.privateKey, second.privateKey], firstSeq: firstSignedSeq }
const forgedJob: Omit<ForgedJob, 'port'> = { kind: 'forged', ...base, topicPrefix: 'bench/forged', signing }
const refusing: Faults = { answerExchange: answer, deliver: () => {} }

function run(faults: Faults) {
  return withFakeBroker(faults, ({ port }) => measure({ ...forgedJob, port }))
}

test('refusals per second are the figure of the forged row', async () => {
  const { problem, figures } = await run(refusing)
  assert.equal(problem, undefined)
  assert.deepEqual(Object.keys(figures), ['refused'])
  assert.ok((figures.refused ?? 0) > 0)
})

const faults: [string, Faults, string][] = [
  [
    'delivers one',
    { ...refusing, deliver: (n, message, send) => n === 7 && send(message) },
    'delivered 1 that were forged',
  ],
  [
    'does not answer one',
    { ...refusing, acknowledge: (n, id, send) => n !== 199 && send(id) },
    'not answered 1 of 200',
  ],
]
for (const [what, fault, problem] of faults) {
  test(`a broker that ${what} has no figure for forged messages`, async () => {
    assert.deepEqual(await run(fault).then((measured) => [measured.problem, measured.figures]), [problem, {}])
  })
}

test('a broker that hangs up on a forger has no figure for forged messages', async () => {
  const { problem } = await run({ ...refusing, hangUpAt: 50 })
  assert.match(problem ?? '', /^forger [01]: /)
})

test('a broker that answers no key exchange is given up', async () => {
  await assert.rejects(run({ deliver: () => {} }), /no answer to the key exchange/)
})

test('a flood beside signed messages changes nothing in their check, and a flooder that is cut off comes back', async () => {
  const load: Omit<LoadJob, 'port'> = {
    kind: 'load',
    ...base,
    batch: 3,
    topicPrefix: 'bench/flooded',
    subscribers: 1,
    subscriberQos: 0,
    persistent: false,
    signing: { ...signing, firstSeq: firstSignedSeq + 1 },
    flood: { topicName: 'bench/forged/flood', privateKey: first.privateKey, seq: firstSignedSeq },
  }
  let forgers = 0
  await withFakeBroker(
    { answerExchange: answer, cutsOff: (topicName) => topicName.endsWith('flood') && ++forgers % 20 === 0 },
    async ({ port }) => {
      const { problem, figures } = await measure({ ...load, port })
      assert.equal(problem, undefined)
      assert.deepEqual(Object.keys(figures), ['acked', 'delivered'])
    },
  )
  assert.ok(forgers > 0)
})
