import {
  type CryptoProvider,
  type DroppedReceipts,
  encodeTlogProof,
  fromBase64url,
  type P256PublicKey,
  ProtocolError,
  type PushedReceipt,
  parseInclusionReceipt,
  toBase64url,
  type VerifierKey,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { checkEvidence } from '../receipts/check-evidence.ts'

/** A publish of this connection that is in the log, proved. All but `json` is from what the proof covers. */
export interface VerifiedReceipt {
  /** Name of the log. */
  readonly origin: string
  readonly index: number
  /** Of the tree whose root was signed. */
  readonly treeSize: number
  /** When the broker recorded it. */
  readonly time: Date
  readonly topic: string
  /** Of a signed publish. */
  readonly seq: number | undefined
  /** Of the payload inside the envelope, base64url. */
  readonly payloadSha256: string
  /** As it came: keep this to prove it to others (`notarymq audit verify-receipt`). */
  readonly json: PushedReceipt
}

/** Far above any receipt, in bytes. */
const maxReceiptBytes = 4 * 1024 * 1024

/**
 * Reads and verifies what the receipt topic brings.
 * @param trust `logKey` undefined: the receipt is verified, the checkpoint beside it is not
 * @returns as it came: the notice that receipts were dropped, which proves nothing
 * @throws {ClientError} ERR_RECEIPT_INVALID
 */
export async function verifyPushedReceipt(
  message: Uint8Array,
  trust: { readonly brokerKey: P256PublicKey; readonly logKey: VerifierKey | undefined },
  crypto: CryptoProvider,
): Promise<VerifiedReceipt | DroppedReceipts> {
  const json = parsed(message)
  if ('dropped' in json) return json
  const checked = await checkEvidence(evidenceOf(json, trust.logKey !== undefined), trust, crypto)
  const [proved] = checked?.proved ?? []
  if (checked === undefined || proved === undefined) throw invalid('it does not prove the record')
  const { topic, seq, payloadSha256, timeMs } = checked.record
  if (topic === undefined || payloadSha256 === undefined) throw invalid('the record is that of no publish')
  const { origin, index, treeSize } = proved
  return {
    origin,
    index: Number(index),
    treeSize: Number(treeSize),
    time: new Date(timeMs),
    topic,
    seq,
    payloadSha256: toBase64url(payloadSha256),
    json,
  }
}

function evidenceOf({ record, salt, receipt, index, checkpoint }: PushedReceipt, withCheckpoint: boolean) {
  try {
    const bytes = fromBase64url(receipt)
    const tlogProof = withCheckpoint
      ? encodeTlogProof({ ...parseInclusionReceipt(bytes).proof, checkpoint })
      : undefined
    return { record: fromBase64url(record), salt: fromBase64url(salt), receipt: bytes, index, tlogProof }
  } catch (cause) {
    if (cause instanceof ProtocolError || cause instanceof RangeError) throw invalid('it is malformed', cause)
    throw cause
  }
}

const textFields = ['record', 'salt', 'receipt', 'checkpoint'] as const
const droppedFields = ['dropped', 'fromIndex', 'toIndex'] as const

function parsed(message: Uint8Array): PushedReceipt | DroppedReceipts {
  if (message.length > maxReceiptBytes) throw invalid('it is too large')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(message))
  } catch (cause) {
    throw invalid('it is not JSON', cause)
  }
  if (typeof value !== 'object' || value === null) throw invalid('it is malformed')
  const fields = value as Readonly<Record<string, unknown>>
  if (droppedFields.every((name) => Number.isSafeInteger(fields[name]))) return value as DroppedReceipts
  const isReceipt = textFields.every((name) => typeof fields[name] === 'string') && Number.isSafeInteger(fields.index)
  if (!isReceipt) throw invalid('it is malformed')
  return value as PushedReceipt
}

function invalid(why: string, cause?: unknown): ClientError {
  return new ClientError('ERR_RECEIPT_INVALID', `a receipt of the broker is not valid: ${why}`, {}, cause)
}
