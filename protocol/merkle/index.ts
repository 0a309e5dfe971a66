export { Frontier } from './frontier.ts'
export { emptyRoot, hashBytes, leafHash, nodeHash } from './hash.ts'
export { type ConsistencyProof, type InclusionProof, verifyConsistency, verifyInclusion } from './proof.ts'
