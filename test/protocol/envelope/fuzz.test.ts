import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  addHopMac,
  detachedValueOf,
  type Envelope,
  encodeSign1,
  fromBase64url,
  isHopMacValid,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  parseSign1,
  signPublish,
  signPublishDetached,
  toHex,
} from '../../../protocol/index.ts'
import { bytes, fcSeed, unsigned, wellFormedText } from '../../helpers/arbitraries.ts'
import { example, exampleSign1, isGenuine, signedEnvelope } from '../../helpers/envelopes.ts'
import { key11 } from '../../helpers/keys.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'
import { hex } from '../../helpers/vectors.ts'

function flipped(message: Uint8Array, bit: number): Uint8Array {
  const copy = message.slice()
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}

test('with any single bit flipped the worked example is no envelope any more or fails verification', async () => {
  let parsed = 0
  for (let bit = 0; bit < exampleSign1.length * 8; bit++) {
    const envelope = parseAttachedEnvelope(flipped(exampleSign1, bit))
    if (envelope === undefined) continue
    parsed++
    const genuine = await isGenuine(envelope, example.topic, key11, nativeCrypto)
    assert.equal(genuine, false, `bit ${bit & 7} of byte ${bit >> 3}`)
  }
  // At least every bit of signature, payload and kid leaves an envelope to verify.
  assert.ok(parsed >= (64 + 4 + 8) * 8, String(parsed))
})

test('with any single bit of the topic flipped the worked example fails verification', async () => {
  const envelope = parseAttachedEnvelope(exampleSign1)
  assert.ok(envelope !== undefined)
  const topic = new TextEncoder().encode(example.topic)
  for (let bit = 0; bit < topic.length * 8; bit++) {
    const other = new TextDecoder().decode(flipped(topic, bit))
    assert.equal(await isGenuine(envelope, other, key11, nativeCrypto), false, other)
  }
})

/** What a broker makes of a publish in a session: MAC first, then signature. */
async function isAccepted(envelope: Envelope | undefined): Promise<boolean> {
  if (envelope?.mac === undefined || !isHopMacValid(envelope.mac, example.session.key, nativeCrypto)) return false
  return isGenuine(envelope, example.topic, key11, nativeCrypto)
}

test('with any single bit flipped a MACed envelope is none any more, or its MAC fails', async () => {
  const attached = addHopMac(exampleSign1, example.session, new Uint8Array(0), nativeCrypto)
  assert.equal(await isAccepted(parseAttachedEnvelope(attached)), true)
  for (let bit = 0; bit < attached.length * 8; bit++) {
    const envelope = parseAttachedEnvelope(flipped(attached, bit))
    // A tag 17 that became 18, and the like, is no MAC at all; a sid is not what it was and has no such key.
    const isOfSession = envelope?.mac !== undefined && toHex(envelope.mac.sid) === toHex(example.session.sid)
    assert.equal(isOfSession && isHopMacValid(envelope.mac, example.session.key, nativeCrypto), false, `bit ${bit}`)
  }
})

test('with any single bit flipped, in the property or in the payload, a MACed detached envelope fails', async () => {
  const value = signPublishDetached(key11, key11.thumbprint, example, nativeCrypto, example.session)
  assert.equal(await isAccepted(parseDetachedEnvelope(value, example.payload)), true)
  const property = fromBase64url(value)
  for (let bit = 0; bit < property.length * 8; bit++) {
    const envelope = parseDetachedEnvelope(detachedValueOf(flipped(property, bit)), example.payload)
    assert.equal(await isAccepted(envelope), false, `bit ${bit}`)
  }
  for (let bit = 0; bit < example.payload.length * 8; bit++) {
    assert.equal(await isAccepted(parseDetachedEnvelope(value, flipped(example.payload, bit))), false, `bit ${bit}`)
  }
})

test('what is parsed is what was signed, in either carrier, with and without a MAC', async () => {
  const session = fc.constantFrom(undefined, example.session)
  const seqs = unsigned.filter(Number.isSafeInteger)
  const publishes = fc.record({ topic: wellFormedText, payload: bytes(300), seq: seqs, timeMs: seqs })
  await fc.assert(
    fc.asyncProperty(publishes, session, async (publish, hopMac) => {
      const attached = signPublish(key11, key11.thumbprint, publish, nativeCrypto, hopMac)
      const detached = signPublishDetached(key11, key11.thumbprint, publish, nativeCrypto, hopMac)
      for (const envelope of [parseAttachedEnvelope(attached), parseDetachedEnvelope(detached, publish.payload)]) {
        assert.ok(envelope !== undefined)
        assert.deepEqual([envelope.seq, envelope.timeMs], [publish.seq, publish.timeMs])
        assert.equal(toHex(envelope.payload), toHex(publish.payload))
        assert.equal(await isGenuine(envelope, publish.topic, key11, nativeCrypto), true)
        assert.equal(envelope.mac !== undefined, hopMac !== undefined)
        assert.ok(envelope.mac === undefined || isHopMacValid(envelope.mac, example.session.key, nativeCrypto))
      }
    }),
    { seed: fcSeed, numRuns: 150 },
  )
})

test('an attached envelope is made of views into the message, its MAC included', () => {
  const message = addHopMac(exampleSign1, example.session, new Uint8Array(0), nativeCrypto)
  const envelope = parseAttachedEnvelope(message)
  assert.ok(envelope?.mac !== undefined)
  const { mac, payload, kid, sign1 } = envelope
  const views = [mac.sid, mac.tag, mac.content, mac.protectedBytes, payload, kid, sign1.protectedBytes, sign1.signature]
  for (const view of views) assert.equal(view.buffer, message.buffer)
})

test('20,000 random and mutated property values give undefined or a detached envelope, and never throw', () => {
  const random = new SeededRandom(8)
  const originals = [undefined, example.session].map((hopMac) =>
    fromBase64url(signPublishDetached(key11, key11.thumbprint, example, nativeCrypto, hopMac)),
  ) as [Uint8Array, Uint8Array]
  const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ é'
  let envelopes = 0
  for (let i = 0; i < 20_000; i++) {
    const value =
      i % 2 === 0
        ? detachedValueOf(mutated(random.pick(originals), random))
        : Array.from({ length: random.below(40) }, () => base64url[random.below(base64url.length)]).join('')
    const envelope = parseDetachedEnvelope(value, example.payload)
    if (envelope === undefined) continue
    envelopes++
    assert.equal(envelope.payload, example.payload)
    assert.equal(envelope.sign1.payload, undefined)
    const sign1 = encodeSign1(envelope.sign1, undefined)
    assert.equal(toHex(envelope.mac?.content ?? fromBase64url(value)), toHex(sign1))
    assert.deepEqual(parseSign1(sign1).signature, envelope.sign1.signature)
  }
  assert.ok(envelopes > 200, `only ${envelopes} mutations were still envelopes: the property was hardly tried`)
})

test('100,000 random and mutated messages give undefined or an envelope, and never throw', () => {
  const random = new SeededRandom(7)
  const receipts = signedEnvelope({ unprotected: hex('a1 19018a 82 43 010203 40') }, nativeCrypto)
  const mac0 = hex(`d184 4d a201050448 0102030405060708 a0 5869 ${toHex(exampleSign1)} 5820 ${toHex(example.macTag)}`)
  const originals = [exampleSign1, mac0, receipts] as const
  let envelopes = 0
  for (let i = 0; i < 100_000; i++) {
    const message = i % 2 === 0 ? mutated(random.pick([...originals]), random) : random.bytes(random.below(40))
    // Half of the random ones get past the look at the first byte.
    if (i % 4 === 1 && message.length > 0) message[0] = 0xd1 + random.below(2)
    const envelope = parseAttachedEnvelope(message)
    if (envelope === undefined) continue
    envelopes++
    const sign1 = toHex(encodeSign1(envelope.sign1, envelope.payload))
    // In a COSE_Mac0 the COSE_Sign1 stands before the 34 bytes of the tag.
    if (envelope.mac !== undefined) assert.ok(toHex(message.subarray(0, -34)).endsWith(sign1))
    else assert.equal(sign1, toHex(message))
    assert.ok(envelope.kid.length >= 8 && envelope.kid.length <= 32)
    assert.ok(Number.isSafeInteger(envelope.seq) && envelope.seq >= 0)
  }
  assert.ok(envelopes > 1000, `only ${envelopes} mutations were still envelopes: the property was hardly tried`)
})
