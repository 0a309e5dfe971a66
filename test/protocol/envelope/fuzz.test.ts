import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { encodeSign1, parseAttachedEnvelope, toHex } from '../../../protocol/index.ts'
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
    if (envelope.hopMac) assert.ok(toHex(message.subarray(0, -34)).endsWith(sign1))
    else assert.equal(sign1, toHex(message))
    assert.ok(envelope.kid.length >= 8 && envelope.kid.length <= 32)
    assert.ok(Number.isSafeInteger(envelope.seq) && envelope.seq >= 0)
  }
  assert.ok(envelopes > 1000, `only ${envelopes} mutations were still envelopes: the property was hardly tried`)
})
