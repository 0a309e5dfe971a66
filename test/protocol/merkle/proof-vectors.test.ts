import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nobleCrypto, verifyConsistency, verifyInclusion } from '../../../protocol/index.ts'
import { codeOf } from '../../helpers/codes.ts'
import { type ConsistencyVector, readConsistencyVectors, readInclusionVectors } from '../../helpers/merkle-vectors.ts'
import { base64 } from '../../helpers/vectors.ts'

const path = (proof: readonly string[] | null) => (proof ?? []).map(base64)

test('agrees with all 98 inclusion vectors of transparency-dev', () => {
  const vectors = readInclusionVectors()
  assert.equal(Object.keys(vectors).length, 98)
  for (const [name, vector] of Object.entries(vectors)) {
    const { leafIdx, treeSize, root, leafHash, proof } = vector
    const inclusion = { leafIndex: BigInt(leafIdx), treeSize: BigInt(treeSize), path: path(proof) }
    const code = codeOf(() => verifyInclusion(inclusion, base64(leafHash ?? ''), base64(root ?? ''), nobleCrypto))
    assert.equal(code, vector.wantErr ? 'ERR_PROOF_INVALID' : undefined, name)
  }
})

/** The one vector that upstream accepts and ours refuses: its roots are placeholders of 12 bytes, not hashes. */
const rootsThatAreNoHashes = 'consistency/additional/sizes-are-equal-one-and-proof-is-empty.json'

test('agrees with 97 of 98 consistency vectors of transparency-dev, and refuses roots that are no hashes', () => {
  const vectors = readConsistencyVectors()
  assert.equal(Object.keys(vectors).length, 98)
  for (const [name, vector] of Object.entries(vectors)) {
    const code = consistencyCode(vector)
    const refused = vector.wantErr || name === rootsThatAreNoHashes
    assert.equal(code, refused ? 'ERR_PROOF_INVALID' : undefined, name)
  }
  assert.equal(vectors[rootsThatAreNoHashes]?.wantErr, false)
  assert.notEqual(base64(vectors[rootsThatAreNoHashes]?.root1 ?? '').length, 32)
})

test('refuses all 9 consistency vectors that start from the empty tree, as upstream does', () => {
  const vectors = Object.values(readConsistencyVectors())
  const fromNothing = vectors.filter((vector) => vector.size1 === '0')
  assert.equal(fromNothing.length, 9)
  for (const vector of fromNothing) {
    assert.equal(vector.wantErr, true)
    assert.equal(consistencyCode(vector), 'ERR_PROOF_INVALID')
  }
})

function consistencyCode({ size1, size2, root1, root2, proof }: ConsistencyVector): string | undefined {
  const consistency = { size1: BigInt(size1), size2: BigInt(size2), path: path(proof) }
  return codeOf(() => verifyConsistency(consistency, base64(root1 ?? ''), base64(root2 ?? ''), nobleCrypto))
}
