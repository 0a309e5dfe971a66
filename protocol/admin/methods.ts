import type { ChainFault, DamageExtent, StoreFault } from '../block/index.ts'
import type { P256Jwk } from '../cose/index.ts'
import type { Erasable, IndexRange, KeyRestrictions, Outcome, RecordKind } from '../record/index.ts'
import type { RefusalCause } from '../refusal.ts'
import type { ReceiptJson } from './receipt-json.ts'
import type { RecordJson } from './record-json.ts'

/** What an extra column of a query may be. */
export const includable = ['payload', 'envelope', 'record', 'salt', 'leaf'] as const
export type Includable = (typeof includable)[number]

/** The background check of what is stored. */
export interface ScrubJson {
  /** Records checked in the pass that is running. */
  readonly checked: number
  /** Passes that were completed. */
  readonly passes: number
  /** End of the newest one, RFC 3339; null: none was completed. */
  readonly lastPass: string | null
  /** Damaged places that the chain has a record of. */
  readonly damage: number
}

/** Room on the disk of the broker. */
export interface DiskJson {
  /** Bytes of the store. */
  readonly storeBytes: number
  readonly freeBytes: number
  readonly bytesPerRecord: number
  /** As the last day had it, before retention; null: the chain is younger than an hour. */
  readonly bytesPerDay: number | null
  /** Until so little is free that publishes are refused; null: it does not grow, or nobody knows. */
  readonly daysLeft: number | null
  /** First record that has its payload, with its time, RFC 3339; null: none has, or it is still being looked for. */
  readonly oldestBody: { readonly index: number; readonly time: string } | null
}

/** By index, which is by time, too. */
export const queryOrders = ['asc', 'desc'] as const
export type QueryOrder = (typeof queryOrders)[number]

export interface AuditStatus {
  readonly treeSize: number
  readonly blocks: number
  /** base64url. */
  readonly rootHash: string
  /** SHA-256 of the newest header, base64url: what the next block will link to. */
  readonly chainHead: string
  /** The newest one, a signed note; null until there is one. */
  readonly checkpoint: string | null
  /** Null when none are configured. */
  readonly witnesses: WitnessesJson | null
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
  /** Null where nothing checks. */
  readonly scrub: ScrubJson | null
  /** Null where nobody looks, and while the store cannot be read. */
  readonly disk: DiskJson | null
}

/** One witness of the log, as far as the broker knows. */
export interface WitnessJson {
  readonly name: string
  /** Verifier key, C2SP signed-note. */
  readonly vkey: string
  /** Where it is asked; absent: it brings its cosignatures by itself. */
  readonly url?: string
  /** Size of the newest tree that it cosigned, and the time that its cosignature says, RFC 3339; null: none yet. */
  readonly treeSize: number | null
  readonly time: string | null
  /** Why it has not cosigned the newest checkpoint, a stable word; null: nothing is known to be wrong. */
  readonly trouble: string | null
}

export interface WitnessesJson {
  /** How many must cosign. */
  readonly quorum: number
  /** Whether as many cosigned the newest checkpoint. */
  readonly met: boolean
  /** Names of those that cosigned the newest checkpoint. */
  readonly cosigned: readonly string[]
  /** The first so many records are in trees that a quorum cosigned; whoever cosigned a tree vouches for what it extends. */
  readonly covered: number
  readonly witnesses: readonly WitnessJson[]
}

export interface AuditQueryParams {
  /** Topic filter. */
  readonly topic?: string
  readonly clientId?: string
  /** base64url of the thumbprint or of a prefix of at least 8 bytes. */
  readonly kid?: string
  /** Not before and not after these times of the chain, RFC 3339 with milliseconds at most. */
  readonly fromTime?: string
  readonly toTime?: string
  readonly fromIndex?: number
  readonly toIndex?: number
  readonly outcome?: Outcome
  readonly kind?: RecordKind
  /** Oldest first (`asc`, default) or newest first (`desc`). */
  readonly order?: QueryOrder
  /** 1 to 1000, default 100. */
  readonly limit?: number
  /** Of the page before: the rest of the parameters, but for `limit` and `include`, must be the same. */
  readonly cursor?: string
  readonly include?: readonly Includable[]
}

export interface AuditQueryResult {
  /** Those that the requester may read; a page may be empty and have a cursor all the same. */
  readonly records: readonly RecordJson[]
  /** Give it back to go on; null at the end. */
  readonly cursor: string | null
}

export interface AuditVerifyParams {
  /** Publishers' signatures below are not verified; hashes, links and sequence numbers are. Default 0. */
  readonly fromIndex?: number
  /** Last index to look at; the block that holds it is looked at whole. Default: the newest. */
  readonly toIndex?: number
  /** Verifies no signatures of publishers. Default false. */
  readonly hashesOnly?: boolean
}

export interface AuditVerifyResult {
  readonly ok: boolean
  /** Records of the blocks before the first one with a fault. */
  readonly checked: number
  /** Publishers' signatures verified in them. */
  readonly signatures: number
  /** Payloads and records that were erased, as records of the chain announce. */
  readonly erased: { readonly bodies: number; readonly records: number }
  readonly firstBad?: {
    readonly index: number
    readonly block: number
    readonly cause: ChainFault | StoreFault
    /** Which tile, queue or topic, when it is not the chain itself. */
    readonly place?: string
  }
  /** Records that cannot be vouched for; with `firstBad` only. */
  readonly bad?: number
  /** Between which indexes they are; absent when no record is concerned. */
  readonly extent?: DamageExtent
  /** Records above the extent, all of which verify; with `firstBad` only. */
  readonly recordsAfter?: number
  /** Whether the kept header is in the chain; with `firstBad`, when one was kept. */
  readonly containsHead?: boolean
}

/** Parameters of the notification `audit.progress`, which a request that takes long sends to its requester. */
export interface AuditProgress {
  /** The id of the request. */
  readonly id: string | number
  /** Records looked at. */
  readonly records: number
  /** Of so many. */
  readonly total: number
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

export interface AuditEraseParams {
  readonly what: Erasable
  /** For the record of the erasure. */
  readonly reason: string
  /** Topic filter, of publishes alone. */
  readonly topic?: string
  readonly clientId?: string
  readonly fromIndex?: number
  readonly toIndex?: number
  /** Only say what would be erased. */
  readonly dryRun?: boolean
}

export interface AuditEraseResult {
  readonly records: number
  readonly bytes: number
  /** Records that stay until they are delivered, or replaced as retained messages. */
  readonly pinned: number
  /** The first ranges of indexes, 1000 at most; `rangeCount` says how many there are. */
  readonly ranges: readonly IndexRange[]
  readonly rangeCount: number
  /** Indexes of the erasure records. */
  readonly announcedAt: readonly number[]
}

export interface AuditBackupResult {
  /** Of the copy, in the directory of backups. */
  readonly name: string
  /** In the chain of the copy. */
  readonly records: number
  /** Of what its store holds. */
  readonly bytes: number
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
  'audit.erase': { params: AuditEraseParams; result: AuditEraseResult }
  'audit.backup': { params: { name: string }; result: AuditBackupResult }
  'audit.block': { params: { index: number } | { height: number }; result: AuditBlockResult }
  'audit.checkpoint': { params: Record<string, never>; result: AuditCheckpointResult }
  'audit.receipt': { params: { index: number }; result: AuditReceiptResult }
  /** Open to everybody: hashes alone. */
  'audit.consistency': { params: { from: number; to?: number }; result: AuditConsistencyResult }
  'audit.verify': { params: AuditVerifyParams; result: AuditVerifyResult }
  'keys.list': { params: Record<string, never>; result: { keys: readonly KeyJson[] } }
  'audit.gaps': { params: AuditGapsParams; result: AuditGapsResult }
  /** Open to everybody: a cosignature proves itself. */
  'audit.cosign': { params: { treeSize: number; lines: string }; result: { cosigned: readonly string[] } }
  'keys.get': { params: { kid: string }; result: KeyJson }
  'keys.enroll': { params: EnrollParams; result: { kid: string } }
  'keys.revoke': { params: { kid: string; reason?: string }; result: { kid: string } }
  'keys.restrict': { params: { kid: string; restrictions: KeyRestrictions }; result: { kid: string } }
  'keys.retire': { params: { kid: string; overlap?: number }; result: { kid: string } }
}

export type AdminMethod = keyof AdminMethods
