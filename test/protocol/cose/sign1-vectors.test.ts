import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeSign1,
  nobleCrypto,
  type ProtocolErrorCode,
  parseSign1,
  sigStructure,
  toHex,
  verifySign1,
} from '../../../protocol/index.ts'
import { rejectsCode } from '../../helpers/codes.ts'
import { key11 } from '../../helpers/keys.ts'
import { hex, readVectors, vectorFiles } from '../../helpers/vectors.ts'

interface Sign1Vector {
  readonly title: string
  readonly fail?: boolean
  readonly input: { readonly sign0: { readonly external?: string } }
  readonly intermediates: { readonly ToBeSign_hex: string }
  readonly output: { readonly cbor: string }
}

const root = 'cose-wg-examples'
const files = [
  ...vectorFiles(`${root}/sign1-tests`).map((name) => `sign1-tests/${name}`),
  ...vectorFiles(`${root}/ecdsa-examples`).map((name) => `ecdsa-examples/${name}`),
  'RFC8152/Appendix_C_2_1.json',
]

/** Every vector that the strict profile refuses; what is no `fail` one is outside the profile on purpose. */
const refusals: Readonly<Record<string, readonly [ProtocolErrorCode, string]>> = {
  'sign1-tests/sign-pass-01.json': [
    'ERR_COSE_MALFORMED',
    "alg in the unprotected header, empty protected header as h'a0'",
  ],
  'sign1-tests/sign-pass-03.json': ['ERR_CBOR_UNEXPECTED', 'no tag'],
  'sign1-tests/sign-fail-01.json': ['ERR_CBOR_UNEXPECTED', 'tag 998'],
  'sign1-tests/sign-fail-02.json': ['ERR_COSE_SIGNATURE_INVALID', 'signature changed'],
  'sign1-tests/sign-fail-03.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg -999'],
  'sign1-tests/sign-fail-04.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg "unknown"'],
  'sign1-tests/sign-fail-06.json': ['ERR_COSE_SIGNATURE_INVALID', 'protected header added after signing'],
  'sign1-tests/sign-fail-07.json': ['ERR_COSE_SIGNATURE_INVALID', 'protected header removed after signing'],
  'ecdsa-examples/ecdsa-sig-02.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'ES384'],
  'ecdsa-examples/ecdsa-sig-03.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'ES512'],
  'ecdsa-examples/ecdsa-sig-04.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'ES512 with a P-256 key'],
}

async function verify(vector: Sign1Vector): Promise<void> {
  const message = hex(vector.output.cbor)
  await verifySign1(parseSign1(message), key11, hex(vector.input.sign0.external ?? ''), nobleCrypto)
}

for (const file of files) {
  const vector = readVectors<Sign1Vector>(`${root}/${file}`)
  const refusal = refusals[file]
  if (refusal === undefined) {
    test(`accepts ${vector.title} of cose-wg, and signs over the same structure`, async () => {
      assert.notEqual(vector.fail, true)
      await verify(vector)
      const sign1 = parseSign1(hex(vector.output.cbor))
      const external = hex(vector.input.sign0.external ?? '')
      const signed = sigStructure(sign1.protectedBytes, external, sign1.payload as Uint8Array)
      assert.equal(toHex(signed), vector.intermediates.ToBeSign_hex.toLowerCase())
      assert.equal(toHex(encodeSign1(sign1, sign1.payload)), vector.output.cbor.toLowerCase())
    })
  } else {
    const [code, why] = refusal
    test(`refuses ${vector.title} of cose-wg (${why}) with ${code}`, async () => {
      await rejectsCode(verify(vector), code)
    })
  }
}

test('has an opinion on all 14 Sign1 vectors of cose-wg, of which the profile leaves out 5 valid ones', () => {
  assert.equal(files.length, 14)
  for (const file of Object.keys(refusals)) assert.ok(files.includes(file), file)
  const leftOut = Object.keys(refusals).filter((file) => readVectors<Sign1Vector>(`${root}/${file}`).fail !== true)
  assert.equal(leftOut.length, 5)
})
