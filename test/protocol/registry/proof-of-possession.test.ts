import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nobleCrypto, signProofOfPossession, verifyProofOfPossession } from '../../../protocol/index.ts'
import { key11, keyMeriadoc } from '../../helpers/keys.ts'

const proof = signProofOfPossession(key11, 'log', nobleCrypto)
const verify = (message: Uint8Array, key = key11, origin = 'log') =>
  verifyProofOfPossession(message, key, origin, nobleCrypto)

test('a proof of possession holds for its key and its log only', async () => {
  await verify(proof)
  await assert.rejects(verify(proof, keyMeriadoc), { code: 'ERR_COSE_MALFORMED' })
  await assert.rejects(verify(proof, key11, 'log2'), { code: 'ERR_COSE_MALFORMED' })
  await assert.rejects(verify(new Uint8Array(1025)), { code: 'ERR_COSE_MALFORMED' })
  const changed = Uint8Array.from(proof)
  changed[proof.length - 1] = (changed[proof.length - 1] as number) ^ 1
  await assert.rejects(verify(changed), { code: 'ERR_COSE_SIGNATURE_INVALID' })
})

test('any flipped bit of a proof is refused', async () => {
  for (let at = 0; at < proof.length; at++) {
    const changed = Uint8Array.from(proof)
    changed[at] = (changed[at] as number) ^ 1
    // The last byte of each number of the signature, too: nothing in it is free.
    await assert.rejects(verify(changed), { name: 'ProtocolError' }, `byte ${at}`)
  }
})
