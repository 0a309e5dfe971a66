import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isKeyName, nobleCrypto, verifierKeyText } from '../../../protocol/index.ts'
import { logPublicKey } from '../../helpers/keys.ts'

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
