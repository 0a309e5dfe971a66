import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MessageProperties, QoS } from '../../../broker/edge/index.ts'
import { type Message, messageOf, propertiesOfRecord } from '../../../broker/sessions/message.ts'
import { asPublished } from '../../../broker/sessions/publish-view.ts'
import { readStoredMessage } from '../../../broker/sessions/stored-message.ts'
import { admit } from '../../../plugins/authorize-publish/admission.ts'
import { isRefused } from '../../../plugins/authorize-publish/publish.ts'
import { type IncomingPublish, KeyRegistry, nativeCrypto } from '../../../plugins/index.ts'
import {
  decodeRecord,
  encodeCbor,
  encodeRecord,
  encodeSign1,
  parseSign1,
  recordProperties,
} from '../../../protocol/index.ts'
import { bytes, fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { goldenRecords } from '../../helpers/golden-chain.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { messageProperties } from '../../helpers/message-properties.ts'
import { admissionRules, verifierFor } from '../../helpers/publishes.ts'
import { Signer } from '../../helpers/signing.ts'

const timeMs = 1_767_225_600_000
const device = new Signer(numberedKey(3))
const registry = new KeyRegistry(nativeCrypto)
registry.apply({ action: 'enroll', thumbprint: device.key.thumbprint, key: device.key, name: 'device' }, 1)
const { verifier } = verifierFor(registry, { now: () => timeMs })
const given = await admissionRules(registry)

interface Published {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties | undefined
}

/** What becomes of a publish in the chain, encoded and decoded again. */
async function recorded({ properties, ...publish }: Published, index: number) {
  const incoming: IncomingPublish = {
    ...publish,
    publisher: { clientId: 'c', username: undefined, auth: 'none', listener: 'l', isTls: false },
    isWill: false,
    userProperties: properties?.userProperties ?? [],
    properties: recordProperties(properties),
  }
  const verdict = await verifier.verify(incoming)
  assert.ok(!isRefused(verdict), JSON.stringify(verdict))
  const admission = admit(verdict, index, timeMs, given)
  assert.ok(admission.kind === 'record', admission.kind)
  const { record, body } = admission.record
  return { encoded: encodeRecord(record), body }
}

/** Every field of a message, whatever it is made as. */
function plain({ index, topic, topicBytes, payload, properties, qos, retain, expiresAtMs }: Message) {
  return {
    index,
    topic,
    topicBytes: Buffer.from(topicBytes),
    payload: Buffer.from(payload),
    properties: Buffer.from(properties),
    qos,
    retain,
    expiresAtMs,
  }
}

async function assertSameFromRecord(published: Published, outcome: string): Promise<void> {
  const { encoded, body } = await recorded(published, 7)
  assert.equal(decodeRecord(encoded).outcome, outcome)
  const stored = readStoredMessage(7, encoded, body, asPublished)
  assert.ok(stored !== undefined)
  assert.deepEqual(plain(stored), plain(messageOf({ ...published, index: 7, timeMs })))
}

const publish = fc.record({
  topic: wellFormedText,
  payload: bytes(300),
  qos: fc.constantFrom<QoS>(0, 1, 2),
  retain: fc.boolean(),
  properties: messageProperties,
})

test('a message made of its record is the one that was published, byte for byte', async () => {
  const property = fc.asyncProperty(publish, (one) => assertSameFromRecord(one, 'unsigned'))
  await fc.assert(property, { seed: fcSeed, numRuns: 200 })
})

test('so is a signed one: its envelope is put together again', async () => {
  const property = fc.asyncProperty(publish, async (one) => {
    const payload = device.sign(one.topic, one.payload, { timeMs })
    await assertSameFromRecord({ ...one, payload }, 'signed')
  })
  await fc.assert(property, { seed: fcSeed, numRuns: 60 })
})

test('receipts in the unprotected header of an envelope reach subscribers as they came', async () => {
  const sign1 = parseSign1(device.sign('a', 'x', { timeMs }))
  // RFC 9942: label 394, an array of receipts. Nothing covers it, so it may be anything of that form.
  const unprotectedBytes = encodeCbor(new Map([[394, [Buffer.alloc(200, 1), Buffer.alloc(3)]]]))
  const payload = encodeSign1({ ...sign1, unprotectedBytes }, sign1.payload)
  await assertSameFromRecord({ topic: 'a', payload, qos: 1, retain: false, properties: undefined }, 'signed')
})

test('an empty payload in an envelope stays in its envelope', async () => {
  const payload = device.sign('a', '', { timeMs })
  await assertSameFromRecord({ topic: 'a', payload, qos: 1, retain: true, properties: undefined }, 'signed')
})

test('properties that a record keeps are those of the publish: every name, in order, as often as it was given', () => {
  const property = fc.property(messageProperties, (given) => {
    const kept = recordProperties(given)
    assert.deepEqual(kept && propertiesOfRecord(kept), given)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
  const userProperties = [
    ['b', '1'],
    ['__proto__', '2'],
    ['a', '3'],
    ['1', '4'],
    ['b', '5'],
    ['__proto__', '6'],
  ] as const
  const kept = recordProperties({ userProperties })
  assert.ok(kept !== undefined)
  assert.deepEqual(propertiesOfRecord(kept), { userProperties })
})

test('a record of anything else is no message', () => {
  for (const [name, { record, body }] of Object.entries(goldenRecords(nativeCrypto))) {
    assert.equal(
      readStoredMessage(1, encodeRecord(record), body, asPublished) !== undefined,
      record.kind === 'publish',
      name,
    )
  }
})

test('[MQTT-5.0 3.3.2-5] a message expires its interval after it was recorded; without one, never', () => {
  const base = { index: 1, topic: 'a', payload: Buffer.alloc(0), qos: 1, retain: false, timeMs } as const
  const at = (properties: MessageProperties | undefined) => messageOf({ ...base, properties }).expiresAtMs
  assert.equal(at({ messageExpiryInterval: 10 }), timeMs + 10_000)
  assert.equal(at({ messageExpiryInterval: 0 }), timeMs)
  assert.equal(at({ contentType: 'a' }), Number.POSITIVE_INFINITY)
  assert.equal(at(undefined), Number.POSITIVE_INFINITY)
})
