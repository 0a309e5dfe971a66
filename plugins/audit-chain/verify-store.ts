import type { P256PublicKey } from '../../protocol/index.ts'
import { type AuditVerifyResult, type ChainFinding, ChainVerifier } from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { AuditStore } from './store.ts'

export interface VerifyStoreOptions {
  readonly store: AuditStore
  /** The broker key to trust: that of the genesis record, or one that took its place. */
  readonly brokerKey?: P256PublicKey
  /** Newest signed header kept outside the store. */
  readonly head?: Uint8Array
  /** Last index to look at; the block that holds it is checked whole. Default: the newest. */
  readonly toIndex?: number
  /** Publishers' signatures below this index are not verified again. Hashes and links always are. Default 0. */
  readonly fromIndex?: number
  /** Called now and then with the number of records verified. */
  readonly onProgress?: (records: number) => void
}

const progressEveryRecords = 10_000

/** Verifies a stored chain from its genesis; ends at the first fault. */
export async function verifyStore(options: VerifyStoreOptions): Promise<AuditVerifyResult> {
  const { store, brokerKey, head, toIndex = Number.MAX_SAFE_INTEGER, fromIndex = 0, onProgress } = options
  const verifier = new ChainVerifier({
    crypto: nativeCrypto,
    signaturesFrom: fromIndex,
    ...(brokerKey === undefined ? undefined : { brokerKey }),
    ...(head === undefined ? undefined : { head }),
  })
  let reported = 0
  let isWhole = true
  for await (const stored of store.blocks()) {
    if (stored.firstIndex > toIndex) {
      isWhole = false
      break
    }
    const finding = await verifier.add(stored.firstIndex, stored.encoded)
    if (finding !== undefined) return resultOf(verifier, finding)
    if (verifier.summary.records - reported >= progressEveryRecords) {
      reported = verifier.summary.records
      onProgress?.(reported)
    }
  }
  return resultOf(verifier, await verifier.finish(isWhole))
}

function resultOf(verifier: ChainVerifier, firstBad: ChainFinding | undefined): AuditVerifyResult {
  const { records, signatures, erased } = verifier.summary
  const result = { ok: firstBad === undefined, checked: records, signatures, erased }
  return firstBad === undefined ? result : { ...result, firstBad }
}
