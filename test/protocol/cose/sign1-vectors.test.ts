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

const folder = 'cose-wg-examples/sign1-tests'

/** Every vector that the strict profile refuses; the two `pass` ones are outside the profile on purpose. */
const refusals: Readonly<Record<string, readonly [ProtocolErrorCode, string]>> = {
  'sign-pass-01.json': ['ERR_COSE_MALFORMED', "alg in the unprotected header, empty protected header as h'a0'"],
  'sign-pass-03.json': ['ERR_CBOR_UNEXPECTED', 'no tag'],
  'sign-fail-01.json': ['ERR_CBOR_UNEXPECTED', 'tag 998'],
  'sign-fail-02.json': ['ERR_COSE_SIGNATURE_INVALID', 'signature changed'],
  'sign-fail-03.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg -999'],
  'sign-fail-04.json': ['ERR_COSE_ALG_NOT_ALLOWED', 'alg "unknown"'],
  'sign-fail-06.json': ['ERR_COSE_SIGNATURE_INVALID', 'protected header added after signing'],
  'sign-fail-07.json': ['ERR_COSE_SIGNATURE_INVALID', 'protected header removed after signing'],
}

async function verify(vector: Sign1Vector): Promise<void> {
  const message = hex(vector.output.cbor)
  await verifySign1(parseSign1(message), key11, hex(vector.input.sign0.external ?? ''), nobleCrypto)
}

for (const file of vectorFiles(folder)) {
  const vector = readVectors<Sign1Vector>(`${folder}/${file}`)
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

test('has an opinion on all 9 Sign1 vectors of cose-wg', () => {
  assert.equal(vectorFiles(folder).length, 9)
  for (const file of Object.keys(refusals)) assert.ok(vectorFiles(folder).includes(file), file)
})
