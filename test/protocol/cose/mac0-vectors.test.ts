import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import {
  encodeMac0,
  macMac0,
  macStructure,
  nobleCrypto,
  type ProtocolErrorCode,
  parseMac0,
  toHex,
  verifyMac0,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { hex, readVectors, vectorFiles } from '../../helpers/vectors.ts'

interface Mac0Vector {
  readonly title: string
  readonly fail?: boolean
  readonly input: { readonly mac0: { readonly external?: string } }
  readonly intermediates: { readonly ToMac_hex: string; readonly CEK_hex: string }
  readonly output: { readonly cbor: string }
}

const root = 'cose-wg-examples'
const files = [
  ...vectorFiles(`${root}/mac0-tests`).map((name) => `mac0-tests/${name}`),
  ...vectorFiles(`${root}/hmac-examples`).map((name) => `hmac-examples/${name}`),
  'RFC8152/Appendix_C_6_1.json',
]

/** Every vector that the strict profile refuses; what is no `fail` one is outside the profile on purpose. */
const refusals: Readonly<Record<string, readonly [ProtocolErrorCode, string]>> = {
  'mac0-tests/mac-pass-01.json': [
    'ERR_COSE_MALFORMED',
    "alg in the unprotected header, empty protected header as h'a0'",
  ],
  'mac0-tests/mac-pass-02.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg in the unprotected header'],
  'mac0-tests/mac-pass-03.json': ['ERR_CBOR_UNEXPECTED', 'no tag'],
  'mac0-tests/mac-fail-01.json': ['ERR_CBOR_UNEXPECTED', 'tag 992'],
  'mac0-tests/mac-fail-02.json': ['ERR_MAC_INVALID', 'tag changed'],
  'mac0-tests/mac-fail-03.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg -999'],
  'mac0-tests/mac-fail-04.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg "Unknown"'],
  'mac0-tests/mac-fail-06.json': ['ERR_MAC_INVALID', 'protected header added'],
  'mac0-tests/mac-fail-07.json': ['ERR_MAC_INVALID', 'protected header removed'],
  'hmac-examples/HMac-enc-02.json': ['ERR_CBOR_UNEXPECTED', 'HMAC 384/384: a tag of 48 bytes'],
  'hmac-examples/HMac-enc-03.json': ['ERR_CBOR_UNEXPECTED', 'HMAC 512/512: a tag of 64 bytes'],
  'hmac-examples/HMac-enc-04.json': ['ERR_MAC_INVALID', 'tag changed'],
  'hmac-examples/HMac-enc-05.json': ['ERR_CBOR_UNEXPECTED', 'HMAC 256/64: a truncated tag'],
  'RFC8152/Appendix_C_6_1.json': ['ERR_CBOR_UNEXPECTED', 'AES-MAC 256/64: a tag of 8 bytes'],
}

for (const file of files) {
  const vector = readVectors<Mac0Vector>(`${root}/${file}`)
  const message = hex(vector.output.cbor)
  const key = hex(vector.intermediates.CEK_hex)
  const external = hex(vector.input.mac0.external ?? '')
  const refusal = refusals[file]
  for (const [name, crypto] of Object.entries({ noble: nobleCrypto, native: nativeCrypto })) {
    if (refusal === undefined) {
      test(`${name} accepts ${vector.title} of cose-wg, MACs the same structure and makes the same message`, () => {
        assert.notEqual(vector.fail, true)
        const mac0 = parseMac0(message)
        verifyMac0(mac0, key, external, crypto)
        const structure = concatBytes(...macStructure(mac0.protectedBytes, external, mac0.payload))
        assert.equal(toHex(structure), vector.intermediates.ToMac_hex.toLowerCase())
        assert.equal(toHex(encodeMac0(mac0)), vector.output.cbor.toLowerCase())
        const made = macMac0(key, mac0.protectedBytes, external, mac0.payload, crypto)
        assert.equal(toHex(made), vector.output.cbor.toLowerCase())
      })
    } else {
      const [code, why] = refusal
      test(`${name} refuses ${vector.title} of cose-wg (${why}) with ${code}`, () => {
        throwsCode(() => verifyMac0(parseMac0(message), key, external, crypto), code)
      })
    }
  }
}

test('has an opinion on all 16 Mac0 vectors of cose-wg, of which the profile leaves out 7 valid ones', () => {
  assert.equal(files.length, 16)
  for (const file of Object.keys(refusals)) assert.ok(files.includes(file), file)
  const leftOut = Object.keys(refusals).filter((file) => readVectors<Mac0Vector>(`${root}/${file}`).fail !== true)
  assert.equal(leftOut.length, 7)
})
