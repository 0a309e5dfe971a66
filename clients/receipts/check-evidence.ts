import {
  type ChainRecord,
  type CryptoProvider,
  commitmentOf,
  decodeRecord,
  ed25519NoteVerifier,
  encodeLeaf,
  isInclusionReceiptValid,
  isTransparentPublishValid,
  leafHash,
  NoteError,
  type P256PublicKey,
  ProtocolError,
  parseInclusionReceipt,
  type VerifierKey,
  verifyTlogProof,
  type WitnessPolicy,
} from '../../protocol/index.ts'

/** What somebody shows to prove that a record is in the log: nothing of it is believed. */
export interface Evidence {
  /** Encoded record. */
  readonly record: Uint8Array
  readonly salt: Uint8Array
  /** COSE receipt (RFC 9942). */
  readonly receipt?: Uint8Array | undefined
  /** The publisher's COSE_Sign1 that the receipt is attached to (RFC 9943). */
  readonly statement?: Uint8Array | undefined
  /** Content of a `.tlog-proof` (C2SP tlog-proof). */
  readonly tlogProof?: string | undefined
  /** Where it says that the record stands, if it says so. */
  readonly index?: number | undefined
}

/** Whom the verifier trusts; one of them at least. */
export interface EvidenceTrust {
  /** For receipts. */
  readonly brokerKey?: P256PublicKey | undefined
  /** For `.tlog-proof`. */
  readonly logKey?: VerifierKey | undefined
  /** For transparent statements: who must have signed it, and what. */
  readonly publisher?: { readonly key: P256PublicKey; readonly payload: Uint8Array } | undefined
  /** For `.tlog-proof`, in place of `logKey`: which logs, and who must have cosigned. */
  readonly policy?: WitnessPolicy | undefined
}

/** One proof that held. */
export interface Proved {
  readonly by: 'broker-key' | 'log-key'
  /** The publisher signed topic and payload, too. */
  readonly isStatement?: boolean
  /** Name of the log. */
  readonly origin: string
  readonly index: bigint
  /** Of the tree whose root was signed. */
  readonly treeSize: bigint
  /** By the log key: names of the witnesses of the policy that cosigned it. */
  readonly cosignedBy?: readonly string[]
}

export interface CheckedEvidence {
  readonly record: ChainRecord
  readonly proved: readonly Proved[]
}

/**
 * Checks what a record is said to be proved by, against the keys that are trusted: everything that one of them is for has
 * to hold, and something must. The leaf is made from record and salt, never taken as given.
 * @returns undefined when it proves nothing
 */
export async function checkEvidence(
  evidence: Evidence,
  trust: EvidenceTrust,
  crypto: CryptoProvider,
): Promise<CheckedEvidence | undefined> {
  try {
    const record = decodeRecord(evidence.record)
    const commitment = commitmentOf(evidence.salt, evidence.record, crypto)
    const hash = leafHash(encodeLeaf({ timeMs: record.timeMs, commitment }), crypto)
    const proved = [await byBroker(evidence, hash, trust, crypto), byLog(evidence, hash, trust, crypto)].filter(
      (one) => one !== undefined,
    )
    const [first] = proved
    if (first === undefined) return undefined
    const isOne = proved.every(({ index, origin }) => index === first.index && origin === first.origin)
    const isAsSaid = evidence.index === undefined || first.index === BigInt(evidence.index)
    return isOne && isAsSaid ? { record, proved } : undefined
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof NoteError) return undefined
    throw error
  }
}

async function byBroker(
  { receipt, statement, record, salt }: Evidence,
  hash: Uint8Array,
  { brokerKey, logKey, publisher }: EvidenceTrust,
  crypto: CryptoProvider,
): Promise<Proved | undefined> {
  if (receipt === undefined || brokerKey === undefined) return undefined
  const { issuer, proof } = parseInclusionReceipt(receipt)
  // A broker key signs for one log, so it vouches for the name where no key of the log is given.
  const trust = { brokerKey, issuer: logKey?.name ?? issuer }
  if (!(await isInclusionReceiptValid(receipt, hash, trust, crypto))) throw notProved()
  const proved = { by: 'broker-key', origin: issuer, index: proof.leafIndex, treeSize: proof.treeSize } as const
  if (statement === undefined || publisher === undefined) return proved
  const logged = { record, salt, payload: publisher.payload }
  if (!(await isTransparentPublishValid(statement, logged, publisher.key, trust, crypto))) throw notProved()
  return { ...proved, isStatement: true }
}

function byLog(
  { tlogProof }: Evidence,
  hash: Uint8Array,
  trust: EvidenceTrust,
  crypto: CryptoProvider,
): Proved | undefined {
  const policy = trust.policy ?? (trust.logKey && policyOf(trust.logKey, crypto))
  if (tlogProof === undefined || policy === undefined) return undefined
  const { leafIndex, opened } = verifyTlogProof(tlogProof, hash, policy, crypto)
  const { origin, treeSize } = opened.checkpoint
  return { by: 'log-key', origin, index: leafIndex, treeSize, cosignedBy: [...opened.cosignedBy] }
}

/** Trusts the log alone. */
function policyOf(logKey: VerifierKey, crypto: CryptoProvider): WitnessPolicy {
  return { logs: [{ verifier: ed25519NoteVerifier(logKey, crypto) }], witnesses: [], groups: [], quorum: undefined }
}

function notProved(): ProtocolError {
  return new ProtocolError('ERR_PROOF_INVALID', 'the receipt does not prove the record')
}
