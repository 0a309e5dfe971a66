import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ed25519 } from '@noble/curves/ed25519.js'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  encodeVerifierKey,
  fromHex,
  isKeyName,
  nobleCrypto,
  noteKeyType,
  parseVerifierKey,
  toHex,
  verifierKey,
  verifierKeyText,
} from '../../../protocol/index.ts'
import { logPublicKey } from '../../helpers/keys.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'

test('the verifier key of the example note in C2SP signed-note comes out as it stands there', () => {
  assert.equal(
    verifierKeyText('example.com/foo', logPublicKey, nobleCrypto),
    'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  )
})

test('a key name may have anything but +, spaces of Unicode and control characters', () => {
  for (const name of ['a', 'notarymq/0123456789abcdef', 'example.com/ä', '漢字', '😀', '-']) {
    assert.ok(isKeyName(name), JSON.stringify(name))
  }
  const refused = ['', '+', 'a+b', ' ', 'a b', 'a\tb', 'a\nb', 'a\u00a0b', 'a\u2003b', 'a\u3000b', 'a\u0000', '\u007f']
  for (const name of [...refused, 'a\u0085b', 'a\u009fb', 'a\ud800b']) {
    assert.equal(isKeyName(name), false, JSON.stringify(name))
    assert.throws(() => verifierKeyText(name, logPublicKey, nobleCrypto), RangeError)
  }
})

test('a verifier key of any type is read as what it was written from', () => {
  const keys = [
    verifierKey('example.com/log', noteKeyType.ed25519, logPublicKey, nobleCrypto),
    verifierKey('example.com/w', noteKeyType.cosignature, logPublicKey, nobleCrypto),
    verifierKey('example.com/pq', noteKeyType.mlDsa44Cosignature, new Uint8Array(1312).fill(1), nobleCrypto),
    verifierKey('example.com/ct', 0x05, logPublicKey, nobleCrypto),
    verifierKey('example.com/p', 0xff, Uint8Array.of(1, 2, 3), nobleCrypto),
  ]
  for (const key of keys) assert.deepEqual(parseVerifierKey(encodeVerifierKey(key), nobleCrypto), key)
  assert.equal(new Set(keys.map(({ keyId }) => toHex(keyId))).size, keys.length)
})

test('the id of an ECDSA key is the hash of the key alone, whatever its name', () => {
  const spki = new Uint8Array(91).fill(4)
  const key = verifierKey('a', noteKeyType.ecdsa, spki, nobleCrypto)
  assert.deepEqual(verifierKey('b', noteKeyType.ecdsa, spki, nobleCrypto).keyId, key.keyId)
  assert.equal(toHex(key.keyId), toHex(nobleCrypto.sha256(spki)).slice(0, 8))
})

test('a verifier key is refused when a part of it does not fit the others', () => {
  const good = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
  const refused = [
    '',
    'example.com/foo',
    good.replace('530d903a', '530d903b'),
    good.replace('530d903a', '530D903A'),
    good.replace('foo', 'fop'),
    good.replace('foo', 'f o'),
    good.slice(0, -4),
    good.replace('Aeky', 'AekyAAAA'),
    `${good}=`,
    `${good}\n`,
    'a+00000000+',
    'a+00000000+AQ==',
    `${'a'.repeat(4096)}+00000000+AQ==`,
  ]
  for (const text of refused) throwsNoteCode(() => parseVerifierKey(text, nobleCrypto), 'ERR_NOTE_KEY_INVALID', text)
  for (const length of [0, 31, 33]) {
    const text = encodeVerifierKey(verifierKey('a', noteKeyType.cosignature, new Uint8Array(length), nobleCrypto))
    throwsNoteCode(() => parseVerifierKey(text, nobleCrypto), 'ERR_NOTE_KEY_INVALID', text)
  }
})

/** The eight points of the torsion subgroup, and the encodings of them that RFC 8032 section 5.1.3 forbids. */
function smallOrderKeys(): Uint8Array[] {
  const generator = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const points = [
    ed25519.Point.ZERO.toBytes(),
    ...[1n, 2n, 3n, 4n, 5n, 6n, 7n].map((n) => generator.multiply(n).toBytes()),
  ]
  const beyond = ['ed', 'ee'].map((first) => fromHex(`${first}${'ff'.repeat(30)}7f`))
  return [...points, ...beyond].flatMap((key) => {
    const negative = key.slice()
    negative[31] = (negative[31] as number) ^ 0x80
    return [key, negative]
  })
}

test('an Ed25519 key of small order is refused, however it is written, as some signatures fit any text under it', () => {
  const keys = smallOrderKeys()
  assert.equal(new Set(keys.map(toHex)).size, 14)
  for (const crypto of [nobleCrypto, nativeCrypto]) {
    for (const publicKey of keys) {
      for (const type of [noteKeyType.ed25519, noteKeyType.cosignature]) {
        const text = encodeVerifierKey(verifierKey('a', type, publicKey, crypto))
        throwsNoteCode(() => parseVerifierKey(text, crypto), 'ERR_NOTE_KEY_INVALID', text)
      }
    }
  }
})
