import type { ChainFault } from '../block/index.ts'
import type { P256Jwk } from '../cose/index.ts'
import type { KeyRestrictions } from '../record/index.ts'
import type { RefusalCause } from '../refusal.ts'
import type { ReceiptJson } from './receipt-json.ts'
import type { RecordJson } from './record-json.ts'

/** What an extra column of a query may be. */
export const includable = ['payload', 'envelope', 'record', 'salt', 'leaf'] as const
export type Includable = (typeof includable)[number]

export interface AuditStatus {
  readonly treeSize: number
  readonly blocks: number
  /** base64url. */
  readonly rootHash: string
  /** SHA-256 of the newest header, base64url: what the next block will link to. */
  readonly chainHead: string
  /** The newest one, a signed note; null until there is one. */
  readonly checkpoint: string | null
  readonly logVkey: string
  readonly brokerKey: P256Jwk
  /** Thumbprint, base64url. */
  readonly brokerKid: string
  readonly origin: string
  /** Publishes accepted since `since`. */
  readonly accepted: number
  readonly refused: Readonly<Partial<Record<RefusalCause, number>>>
  /** Start of the broker, RFC 3339. */
  readonly since: string
}

export interface AuditQueryParams {
  /** Topic filter. */
  readonly topic?: string
  readonly clientId?: string
  /** base64url of the thumbprint or of a prefix of at least 8 bytes. */
  readonly kid?: string
  readonly fromIndex?: number
  readonly toIndex?: number
  /** 1 to 1000, default 100. */
  readonly limit?: number
  readonly cursor?: string
  readonly include?: readonly Includable[]
}

export interface AuditQueryResult {
  readonly records: readonly RecordJson[]
  /** Give it back to go on; null at the end. */
  readonly cursor: string | null
}

export interface AuditVerifyResult {
  readonly ok: boolean
  readonly checked: number
  readonly signatures: number
  readonly firstBad?: { readonly index: number; readonly block: number; readonly cause: ChainFault }
}

export interface KeyJson {
  readonly kid: string
  readonly name: string
  readonly key: P256Jwk
  /** `retiring`: replaced, and valid for some more records. */
  readonly status: 'enrolled' | 'retiring' | 'retired' | 'revoked'
  /** Governs indexes above this one. */
  readonly enrolledAt: number
  readonly revokedAt?: number
  /** Last index at which a retired key is valid. */
  readonly lastIndex?: number
  /** Kid of the key that it took the place of. */
  readonly replaces?: string
  /** Absent when there are none. */
  readonly restrictions?: KeyRestrictions
}

export interface EnrollParams {
  /** JWK; or as text PEM, JWK, or a COSE_Key in base64url. */
  readonly key: P256Jwk | string
  /** Default: 16 hexadecimal digits of the thumbprint. */
  readonly name?: string
  /** Default: those of the key that it replaces, else none. */
  readonly restrictions?: KeyRestrictions
  /** Proof of possession, a COSE_Sign1 in base64url. */
  readonly proof?: string
  /** Kid of the key that it takes the place of, which is retired. */
  readonly replaces?: string
  /** Records for which that key stays valid. Default 0. */
  readonly overlap?: number
}

export interface AuditGapsParams {
  readonly kid: string
  /** Default: the lowest number that was accepted. */
  readonly fromSeq?: number
  /** Default: the highest one. */
  readonly toSeq?: number
  /** Ranges, 1 to 1000; default 100. */
  readonly limit?: number
  readonly cursor?: number
}

/** From the first number to the last one, both included. */
export type SeqRange = readonly [from: number, to: number]

export interface AuditGapsResult {
  /** Highest number that was accepted; null when none was. */
  readonly highest: number | null
  readonly missing: readonly SeqRange[]
  /** Give it back to go on; null at the end. */
  readonly cursor: number | null
}

export interface AuditCheckpointResult {
  /** Signed note (C2SP tlog-checkpoint), with the cosignatures so far. */
  readonly checkpoint: string
  readonly treeSize: number
  /** base64url. */
  readonly rootHash: string
  /** When it was signed, or the broker began with it, RFC 3339. */
  readonly time: string
}

export interface AuditReceiptResult extends ReceiptJson {
  /** The content of a `.tlog-proof` file (C2SP tlog-proof), for the same leaf and checkpoint. */
  readonly tlogProof: string
}

export interface AuditConsistencyResult {
  /** Sizes of the older and the newer tree. */
  readonly from: number
  readonly to: number
  /** Proof of RFC 9162 section 2.1.4, base64url each; empty when both are one tree. */
  readonly path: readonly string[]
  /**
   * COSE receipt of consistency (RFC 9942), base64url. Null when both are one tree, and when the newer one is none of the
   * newest checkpoints: then the path is to be held against two roots that one has already.
   */
  readonly receipt: string | null
  /** The checkpoint of the newer tree, a signed note; null when it is none of the newest ones. */
  readonly checkpoint: string | null
}

export interface AuditBlockResult {
  readonly height: number
  /** SHA-256 of the header before, base64url. */
  readonly previousHash: string
  readonly firstIndex: number
  readonly count: number
  /** RFC 3339. */
  readonly time: string
  readonly treeSize: number
  /** base64url. */
  readonly rootHash: string
  /** The signed header, a COSE_Sign1, base64url. */
  readonly header: string
  /** Of its records in order, base64url. */
  readonly leaves: readonly string[]
}

/** Methods of the admin topic: parameters and result. */
export interface AdminMethods {
  'audit.status': { params: Record<string, never>; result: AuditStatus }
  'audit.query': { params: AuditQueryParams; result: AuditQueryResult }
  'audit.record': { params: { index: number; include?: readonly Includable[] }; result: RecordJson }
  'audit.block': { params: { index: number } | { height: number }; result: AuditBlockResult }
  'audit.checkpoint': { params: Record<string, never>; result: AuditCheckpointResult }
  'audit.receipt': { params: { index: number }; result: AuditReceiptResult }
  'audit.consistency': { params: { from: number; to?: number }; result: AuditConsistencyResult }
  'audit.verify': { params: { fromIndex?: number; toIndex?: number }; result: AuditVerifyResult }
  'keys.list': { params: Record<string, never>; result: { keys: readonly KeyJson[] } }
  'audit.gaps': { params: AuditGapsParams; result: AuditGapsResult }
  'keys.get': { params: { kid: string }; result: KeyJson }
  'keys.enroll': { params: EnrollParams; result: { kid: string } }
  'keys.revoke': { params: { kid: string; reason?: string }; result: { kid: string } }
  'keys.restrict': { params: { kid: string; restrictions: KeyRestrictions }; result: { kid: string } }
  'keys.retire': { params: { kid: string; overlap?: number }; result: { kid: string } }
}

export type AdminMethod = keyof AdminMethods
