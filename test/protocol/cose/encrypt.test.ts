import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  type CryptoProvider,
  isEncryptedForm,
  type KeyAgreement,
  maxRecipients,
  nobleCrypto,
  openEncrypt,
  openEncrypt0,
  type P256PublicKey,
  parseEncrypt,
  parseEncrypt0,
  sealEncrypt,
  sealEncrypt0,
  toHex,
  utf8,
} from '../../../protocol/index.ts'
import { bytes, bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { rejectsCode, throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc, numberedKey, type TestKey } from '../../helpers/keys.ts'

const providers: Readonly<Record<string, CryptoProvider>> = { noble: nobleCrypto, native: nativeCrypto }
const content = { keyId: utf8('key-1'), externalAad: utf8('aad'), plaintext: utf8('21.5') }
const key = new Uint8Array(32).fill(7)

const agreementOf = (own: TestKey, crypto: CryptoProvider): KeyAgreement => ({
  thumbprint: own.thumbprint,
  agree: async (publicKey: P256PublicKey) => crypto.ecdhP256(own, publicKey),
})

for (const [name, crypto] of Object.entries(providers)) {
  describe(`COSE_Encrypt0 by ${name}`, () => {
    test('opens to what was sealed, and has the form that a policy asks for', () => {
      fc.assert(
        fc.property(
          fc.oneof(bytesOf(16), bytesOf(32)),
          bytes(20),
          bytes(40),
          bytes(200),
          (aesKey, keyId, aad, plain) => {
            const message = sealEncrypt0(aesKey, { keyId, externalAad: aad, plaintext: plain }, crypto)
            assert.equal(isEncryptedForm(message), true)
            const parsed = parseEncrypt0(message)
            assert.equal(toHex(parsed.keyId), toHex(keyId))
            assert.equal(toHex(openEncrypt0(parsed, aesKey, aad, crypto)), toHex(plain))
          },
        ),
        { seed: fcSeed, numRuns: 100 },
      )
    })

    test('does not open with another key, of another length, other external data or any other bit', () => {
      const message = sealEncrypt0(key, content, crypto)
      const parsed = parseEncrypt0(message)
      for (const other of [key.with(0, 8), key.subarray(0, 16)]) {
        throwsCode(() => openEncrypt0(parsed, other, content.externalAad, crypto), 'ERR_COSE_NOT_DECRYPTED')
      }
      throwsCode(() => openEncrypt0(parsed, key, utf8('aae'), crypto), 'ERR_COSE_NOT_DECRYPTED')
      const idAt = message.indexOf(0x6b)
      for (let bit = 0; bit < message.length * 8; bit++) {
        const at = bit >> 3
        // The key id is unprotected: it says which key to try, and nothing else.
        if (at >= idAt && at < idAt + content.keyId.length) continue
        const changed = message.with(at, (message[at] as number) ^ (1 << (bit & 7)))
        assert.throws(() => openEncrypt0(parseEncrypt0(changed), key, content.externalAad, crypto), `bit ${bit}`)
      }
    })

    test('has another IV every time', () => {
      const ivs = Array.from({ length: 50 }, () => toHex(parseEncrypt0(sealEncrypt0(key, content, crypto)).iv))
      assert.equal(new Set(ivs).size, 50)
    })

    test('is not made with a key of another length', () => {
      for (const length of [0, 15, 24, 33]) {
        assert.throws(() => sealEncrypt0(new Uint8Array(length), content, crypto), RangeError)
      }
    })
  })

  describe(`COSE_Encrypt by ${name}`, () => {
    const opener = (own: TestKey) => agreementOf(own, crypto)

    test('opens for each of its recipients, by either provider, and for nobody else', async () => {
      const message = sealEncrypt([key11, keyMeriadoc, numberedKey(3)], content, crypto)
      assert.equal(isEncryptedForm(message), true)
      const encrypt = parseEncrypt(message)
      for (const own of [key11, keyMeriadoc, numberedKey(3)]) {
        for (const reader of Object.values(providers)) {
          const plaintext = await openEncrypt(encrypt, agreementOf(own, reader), content.externalAad, reader)
          assert.equal(Buffer.from(plaintext).toString(), '21.5')
        }
      }
      const stranger = openEncrypt(encrypt, opener(numberedKey(4)), content.externalAad, crypto)
      await rejectsCode(stranger, 'ERR_COSE_NOT_A_RECIPIENT')
    })

    test('does not open with other external data, nor for who only claims the name of a recipient', async () => {
      const encrypt = parseEncrypt(sealEncrypt([key11], content, crypto))
      await rejectsCode(openEncrypt(encrypt, opener(key11), utf8('aae'), crypto), 'ERR_COSE_NOT_DECRYPTED')
      const impostor = { ...opener(keyMeriadoc), thumbprint: key11.thumbprint }
      await rejectsCode(openEncrypt(encrypt, impostor, content.externalAad, crypto), 'ERR_COSE_NOT_DECRYPTED')
    })

    test('has an ephemeral key of its own for each recipient', () => {
      const { recipients } = parseEncrypt(sealEncrypt([key11, key11, keyMeriadoc], content, crypto))
      assert.equal(new Set(recipients.map(({ ephemeral }) => toHex(ephemeral.x))).size, 3)
    })

    test('with an ephemeral key that is no point of the curve is refused when it is opened, before the private key meets it', async () => {
      const encrypt = parseEncrypt(sealEncrypt([key11], content, crypto))
      const [recipient] = encrypt.recipients
      assert.ok(recipient !== undefined)
      const offCurve = { ...encrypt, recipients: [{ ...recipient, ephemeral: { x: key11.x, y: key11.x } }] }
      const own = { thumbprint: key11.thumbprint, agree: () => assert.fail('the private key met it') }
      await rejectsCode(openEncrypt(offCurve, own, content.externalAad, crypto), 'ERR_KEY_INVALID')
    })
  })
}

test('a COSE_Encrypt is for 1 to 1024 recipients', () => {
  const many = Array.from({ length: maxRecipients }, () => key11)
  assert.equal(parseEncrypt(sealEncrypt(many, content, nativeCrypto)).recipients.length, 1024)
  for (const recipients of [[], [...many, key11]]) {
    assert.throws(() => sealEncrypt(recipients, content, nativeCrypto), RangeError)
  }
})
