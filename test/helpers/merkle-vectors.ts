import { readVectorsWithBigIntegers } from './vectors.ts'

/** One vector of transparency-dev for an inclusion proof. */
export interface InclusionVector {
  readonly leafIdx: string
  readonly treeSize: string
  readonly root: string | null
  readonly leafHash: string | null
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

/** One vector of transparency-dev for a consistency proof. */
export interface ConsistencyVector {
  readonly size1: string
  readonly size2: string
  readonly root1: string | null
  readonly root2: string | null
  readonly proof: readonly string[] | null
  readonly wantErr: boolean
}

/** All inclusion vectors, by name. */
export function readInclusionVectors(): Record<string, InclusionVector> {
  return readVectorsWithBigIntegers('transparency-dev-merkle/inclusion.json')
}

/** All consistency vectors, by name. */
export function readConsistencyVectors(): Record<string, ConsistencyVector> {
  return readVectorsWithBigIntegers('transparency-dev-merkle/consistency.json')
}
