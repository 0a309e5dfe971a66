import type { AuditChain } from '../audit-chain/index.ts'
import type { QueryIndex } from '../query-index/index.ts'

/** What records are read from. */
export interface ChainReader {
  readonly chain: AuditChain
  /** Absent: whatever is asked for is looked for in the blocks. */
  readonly index?: QueryIndex | undefined
}
