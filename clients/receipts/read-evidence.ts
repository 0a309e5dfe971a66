import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import {
  encodeTlogProof,
  fromBase64url,
  ProtocolError,
  parseInclusionReceipt,
  takeReceipts,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { Evidence } from './check-evidence.ts'

/** Far beyond any receipt with its record, in bytes. */
const maxFileBytes = 4 * 1024 * 1024

/** The record that a receipt is for, and how it is hidden in its leaf. */
export type LoggedRecord = Pick<Evidence, 'record' | 'salt'>

/**
 * Reads what a receipt was written to: the JSON of `audit receipt` or of the receipt topic, which holds everything; a
 * `.tlog-proof`; a transparent statement, `.statement`; else a COSE receipt.
 * @param logged for all but JSON
 * @throws {ClientError} ERR_RECEIPT_FILE
 */
export function readEvidence(path: string, logged: LoggedRecord | undefined): Evidence {
  const extension = extname(path)
  if (extension === '.json') return readJson(path)
  if (logged === undefined) throw unusable(path, 'does not hold the record; name a file that does with --record')
  const content = readFile(path)
  if (extension === '.tlog-proof') return { ...logged, tlogProof: content.toString('utf8') }
  return extension === '.statement' ? { ...logged, ...statementOf(content, path) } : { ...logged, receipt: content }
}

/** A statement may have receipts of other logs too; ours is the first. */
function statementOf(statement: Uint8Array, path: string): Pick<Evidence, 'statement' | 'receipt'> {
  try {
    const [receipt] = takeReceipts(statement).receipts
    if (receipt === undefined) throw unusable(path, 'has no receipt attached')
    return { statement, receipt }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw unusable(path, 'is no transparent statement', cause)
  }
}

/** Reads record and salt from JSON that has both. @throws {ClientError} ERR_RECEIPT_FILE */
export function readLoggedRecord(path: string): LoggedRecord {
  const json = readObject(path)
  return { record: bytesIn(json, 'record', path), salt: bytesIn(json, 'salt', path) }
}

function readJson(path: string): Evidence {
  const json = readObject(path)
  const { index, checkpoint } = json
  if (typeof index !== 'number' || !Number.isSafeInteger(index)) throw unusable(path, 'has no index')
  const receipt = bytesIn(json, 'receipt', path)
  const given = typeof json.tlogProof === 'string' ? json.tlogProof : undefined
  const made =
    given === undefined && typeof checkpoint === 'string' ? tlogProofOf(receipt, checkpoint, path) : undefined
  return { ...readLoggedRecord(path), receipt, tlogProof: given ?? made, index }
}

/** What is pushed has no `.tlog-proof`: it is the path of the receipt and the checkpoint, put together. */
function tlogProofOf(receipt: Uint8Array, checkpoint: string, path: string): string {
  try {
    return encodeTlogProof({ ...parseInclusionReceipt(receipt).proof, checkpoint })
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw unusable(path, 'has no COSE receipt', cause)
  }
}

function readObject(path: string): Readonly<Record<string, unknown>> {
  const text = readFile(path).toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw unusable(path, 'is not JSON', cause)
  }
  if (typeof value !== 'object' || value === null) throw unusable(path, 'is no receipt')
  return value as Record<string, unknown>
}

function bytesIn(json: Readonly<Record<string, unknown>>, name: string, path: string): Uint8Array {
  const text = json[name]
  if (typeof text !== 'string') throw unusable(path, `has no ${name}`)
  try {
    return fromBase64url(text)
  } catch (cause) {
    throw unusable(path, `has a ${name} that is not base64url`, cause)
  }
}

function readFile(path: string): Buffer {
  try {
    if (statSync(path).size > maxFileBytes) throw unusable(path, 'is too large for a receipt')
    return readFileSync(path)
  } catch (cause) {
    if (cause instanceof ClientError) throw cause
    throw unusable(path, 'cannot be read', cause)
  }
}

function unusable(path: string, why: string, cause?: unknown): ClientError {
  return new ClientError('ERR_RECEIPT_FILE', `${path} ${why}`, {}, cause)
}
