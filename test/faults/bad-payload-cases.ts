import { nativeCrypto } from '../../plugins/index.ts'
import { encodeSign1, externalAad, publishProtectedHeaders, sigStructure } from '../../protocol/index.ts'
import type { TestKey } from '../helpers/keys.ts'
import { SeededRandom } from '../helpers/random.ts'
import { hex } from '../helpers/vectors.ts'

/** A payload that is not an envelope, though it may look like one. */
export interface BadPayload {
  readonly name: string
  readonly bytes: Uint8Array
}

const concat = (...parts: readonly Uint8Array[]) => Buffer.concat(parts)
const repeated = (byte: number, count: number) => Buffer.alloc(count, byte)

/** A COSE_Sign1 with any protected bytes and any payload item, properly signed: only its form is wrong. */
function signedOver(key: TestKey, topic: string, protectedBytes: Uint8Array, unprotectedBytes = hex('a0')): Uint8Array {
  const payload = Buffer.from('21.5')
  const toBeSigned = sigStructure(protectedBytes, externalAad(topic), payload)
  const signature = nativeCrypto.signP256(key, toBeSigned)
  return encodeSign1({ protectedBytes, unprotectedBytes, signature }, payload)
}

/** Forms that deterministic CBOR and the profile forbid, and what parsers die of. */
export function wrongForms(key: TestKey, topic: string): readonly BadPayload[] {
  const good = publishProtectedHeaders(key.thumbprint.subarray(0, 8), 1_000_000, Date.now())
  const head = good[0] as number
  const withHeader = (pair: Uint8Array) => concat(Buffer.from([head + 1]), good.subarray(1), pair)
  const form = (name: string, bytes: Uint8Array): BadPayload => ({ name, bytes })
  const made = (name: string, protectedBytes: Uint8Array) => form(name, signedOver(key, topic, protectedBytes))
  const deep = concat(repeated(0x81, 10_000), hex('00'))
  return [
    form('nothing at all', Buffer.alloc(0)),
    form('a tag alone', hex('d2')),
    form('arrays in arrays, 10,000 deep', concat(hex('d2'), deep)),
    form('maps in maps, 10,000 deep', concat(hex('d2 84 40'), ...Array.from({ length: 10_000 }, () => hex('a1 00')))),
    form('tags on tags, 10,000 of them', concat(repeated(0xd2, 10_000), hex('80'))),
    form('a hop MAC in a hop MAC', concat(...Array.from({ length: 1000 }, () => hex('d1 84 43 a10105 a0')))),
    form('a byte string that claims 300 MB', hex('d2 84 5a 11e1a300 00')),
    form('a byte string that claims 2^53 bytes', hex('d2 84 5b 0020000000000000 00')),
    form('a byte string that claims 2^64 - 1 bytes', hex('d2 84 5b ffffffffffffffff 00')),
    form('an array that claims 300 million items', hex('d2 9a 11e1a300 00')),
    form('a map that claims 300 million pairs', hex('d2 84 40 ba 11e1a300 00')),
    form('a protected header that claims 300 million pairs', hex('d2 84 45 ba11e1a300 a0 40 40')),
    form('an array of indefinite length', hex('d2 9f 40 a0 40 40 ff')),
    form('a byte string of indefinite length', hex('d2 84 5f 41 00 ff a0 40 40')),
    form('a map of indefinite length', hex('d2 84 40 bf ff 40 40')),
    form('the tag in two bytes', concat(hex('d8 12'), signedOver(key, topic, good).subarray(1))),
    form('a byte after the end', concat(signedOver(key, topic, good), hex('00'))),
    form('two envelopes', concat(signedOver(key, topic, good), signedOver(key, topic, good))),
    form('without the tag', signedOver(key, topic, good).subarray(1)),
    form('JSON', Buffer.from('{"18": ["signed", "by", "me"]}')),
    made('an empty protected header', hex('a0')),
    made('a protected header that is no map', hex('83 01 02 03')),
    made('alg twice', withHeader(hex('01 28'))),
    made('kid twice', withHeader(concat(hex('04 48'), key.thumbprint.subarray(0, 8)))),
    made('sequence number and time twice', withHeader(hex('3a00010000 82 01 02'))),
    made('a critical header that nobody knows', withHeader(hex('02 81 39 03e7'))),
    made('a protected header 10,000 deep', withHeader(concat(hex('18 63'), deep))),
    made(
      'a kid of seven bytes',
      concat(hex('a3 01 28 04 47'), key.thumbprint.subarray(0, 7), hex('3a00010000 82 01 02')),
    ),
    made('no sequence number', concat(hex('a2 01 28 04 48'), key.thumbprint.subarray(0, 8))),
    made('a negative sequence number', concat(good.subarray(0, 18), hex('82 20 02'))),
    made('a sequence number of 2^53', concat(good.subarray(0, 18), hex('82 1b0020000000000000 02'))),
    made('a sequence number that is a float', concat(good.subarray(0, 18), hex('82 fb3ff0000000000000 02'))),
    form('an unprotected header', signedOver(key, topic, good, hex('a1 01 28'))),
  ]
}

/** Random bytes, every other one beginning like an envelope or a hop MAC. */
export function randomPayloads(seed: number, count: number): readonly BadPayload[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, (_, i) => {
    const bytes = Uint8Array.from(random.bytes(1 + random.below(200)))
    if (i % 2 === 0) bytes.set([random.pick([0xd2, 0xd1]), 0x84].slice(0, bytes.length))
    return { name: `random bytes ${i} of seed ${seed}`, bytes }
  })
}

/** Every proper prefix of an envelope. */
export function cutShort(envelope: Uint8Array): readonly BadPayload[] {
  return [...envelope.keys()].map((length) => ({
    name: `an envelope cut after ${length} of ${envelope.length} bytes`,
    bytes: envelope.subarray(0, length),
  }))
}
