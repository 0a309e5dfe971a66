import { emptyRoot, nobleCrypto, nodeHash } from '../../protocol/index.ts'

// RFC 9162 section 2.1 written down as it stands there, without any thought of speed.

/** MTH(D[n]) over leaf hashes. */
export function naiveRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  if (leafHashes.length === 0) return emptyRoot(nobleCrypto)
  if (leafHashes.length === 1) return leafHashes[0] as Uint8Array
  const k = split(leafHashes.length)
  return nodeHash(naiveRoot(leafHashes.slice(0, k)), naiveRoot(leafHashes.slice(k)), nobleCrypto)
}

/** PATH(m, D[n]), section 2.1.3.1. */
export function naiveInclusion(m: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
  if (leafHashes.length === 1) return []
  const k = split(leafHashes.length)
  const left = leafHashes.slice(0, k)
  const right = leafHashes.slice(k)
  return m < k ? [...naiveInclusion(m, left), naiveRoot(right)] : [...naiveInclusion(m - k, right), naiveRoot(left)]
}

/** PROOF(m, D[n]), section 2.1.4.1. */
export function naiveConsistency(m: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
  return subProof(m, leafHashes, true)
}

function subProof(m: number, leafHashes: readonly Uint8Array[], isOldTree: boolean): Uint8Array[] {
  if (m === leafHashes.length) return isOldTree ? [] : [naiveRoot(leafHashes)]
  const k = split(leafHashes.length)
  const left = leafHashes.slice(0, k)
  const right = leafHashes.slice(k)
  if (m <= k) return [...subProof(m, left, isOldTree), naiveRoot(right)]
  return [...subProof(m - k, right, false), naiveRoot(left)]
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
