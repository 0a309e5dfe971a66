import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { encStructure, kdfContext, nobleCrypto, parseEncrypt, toHex } from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { hex, readVectors } from '../../helpers/vectors.ts'

interface EncryptionVector {
  readonly input: { readonly plaintext: string }
  readonly intermediates: {
    readonly AAD_hex?: string
    readonly CEK_hex: string
    readonly recipients: readonly {
      readonly Context_hex?: string
      readonly Secret_hex?: string
      readonly KEK_hex?: string
    }[]
  }
  readonly output: { readonly cbor: string; readonly cbor_diag: string }
}

const vector = (name: string) => readVectors<EncryptionVector>(`cose-wg-examples/RFC8152/${name}.json`)
const direct = vector('Appendix_C_3_1')
const wrapped = vector('Appendix_C_5_4')
const none = new Uint8Array(0)

/** Key of the examples whose recipients name A256KW alone. */
const ourSecret = Buffer.from('hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg', 'base64url')

for (const [name, crypto] of Object.entries({ noble: nobleCrypto, native: nativeCrypto })) {
  test(`${name} opens the content of RFC 8152 C.3.1, with the same Enc_structure`, () => {
    const { AAD_hex = '', CEK_hex, recipients } = direct.intermediates
    const aad = encStructure('Encrypt', hex('a10101'), none)
    assert.equal(toHex(aad), AAD_hex.toLowerCase())
    const [, iv = '', ciphertext = ''] = /5: h'(\w+)'\}, h'(\w+)'/.exec(direct.output.cbor_diag) ?? []
    const opened = crypto.openAesGcm(hex(CEK_hex), hex(iv), aad, hex(ciphertext))
    assert.equal(opened && Buffer.from(opened).toString(), direct.input.plaintext)

    const { Context_hex = '', Secret_hex = '' } = recipients[0] ?? {}
    // ECDH-ES with HKDF, -25, protects the recipient's algorithm; the key is for A128GCM.
    const context = kdfContext(1, 128, hex('a1013818'))
    assert.equal(toHex(context), Context_hex.toLowerCase())
    assert.equal(toHex(crypto.hkdfSha256(hex(Secret_hex), none, context, 16)), CEK_hex.toLowerCase())
  })

  test(`${name} derives the key that RFC 8152 C.5.4 wraps with, by ECDH-ES + A128KW`, () => {
    const { Context_hex = '', Secret_hex = '', KEK_hex = '' } = wrapped.intermediates.recipients[0] ?? {}
    const context = kdfContext(-3, 128, hex('a101381c'))
    assert.equal(toHex(context), Context_hex.toLowerCase())
    assert.equal(toHex(crypto.hkdfSha256(hex(Secret_hex), none, context, 16)), KEK_hex.toLowerCase())
  })

  for (const example of ['Appendix_C_5_3', 'Appendix_C_5_4']) {
    test(`${name} unwraps the content key of RFC 8152 ${example} with A256KW, and wraps it to the same bytes`, () => {
      const { intermediates, output } = vector(example)
      const wrappedKey = hex(/1: -5, 4: h'\w+'\}, h'(\w+)'/.exec(output.cbor_diag)?.[1] ?? '')
      const contentKey = crypto.unwrapAesKey(ourSecret, wrappedKey)
      assert.equal(contentKey && toHex(contentKey), intermediates.CEK_hex.toLowerCase())
      assert.equal(toHex(crypto.wrapAesKey(ourSecret, hex(intermediates.CEK_hex))), toHex(wrappedKey))
    })
  }
}

test('RFC 8152 C.3.1 itself is refused: no key id, and a recipient by an algorithm that is not in the profile', () => {
  throwsCode(() => parseEncrypt(hex(direct.output.cbor)), 'ERR_COSE_MALFORMED')
})
