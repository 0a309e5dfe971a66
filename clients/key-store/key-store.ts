import { bytesEqual, maxMessagesPerKey, toBase64url } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** Everything is durable before the promise resolves; safe for two processes or tabs, and for a crash. */
export interface KeyStore {
  /** Takes `count` consecutive numbers that nobody gets again; a crash leaves a gap. @returns the first */
  reserveSequenceNumbers(thumbprint: Uint8Array, count: number): Promise<number>
  /** The next number is at least this (a device that lost its store learns the highest accepted one in the key exchange). */
  raiseSequenceNumber(thumbprint: Uint8Array, atLeast: number): Promise<void>
  /** Counts messages encrypted under a key. @throws {ClientError} ERR_KEY_EXHAUSTED above 2^32 */
  countEncryptions(keyName: string, count: number): Promise<void>
  /** Small named values: pinned broker keys, the last checkpoint of a log, topic keys. Undefined when absent. */
  get(name: string): Promise<Uint8Array | undefined>
  /** Atomic; with `expected` only when the present value is that (undefined: absent). @returns whether it was written */
  set(name: string, value: Uint8Array, expected?: Uint8Array): Promise<boolean>
}

/** What a counter becomes; an absent one counts from 0. @throws {ClientError} ERR_KEY_EXHAUSTED */
export function countedUp(keyName: string, counted: number, count: number): number {
  checkCount(count)
  if (counted + count > maxMessagesPerKey) {
    throw new ClientError('ERR_KEY_EXHAUSTED', `${keyName} has encrypted ${counted} messages, and 2^32 is the most`)
  }
  return counted + count
}

/** The number of a new key. */
export const firstSequenceNumber = 1

/** What is next when `count` numbers from `first` on are taken. @throws {ClientError} ERR_SEQUENCE_FILE at 2^53 */
export function afterReserved(first: number, count: number): number {
  checkCount(count)
  const next = first + count
  if (!Number.isSafeInteger(next)) {
    throw new ClientError('ERR_SEQUENCE_FILE', 'the key has used up its sequence numbers: make a new one')
  }
  return next
}

function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError('a count is a positive integer')
}

/** Reads a counter as files keep it: decimal digits, and one more can be counted. @returns undefined when it is none */
export function parseCounter(text: string): number | undefined {
  const value = Number(text)
  return /^[0-9]+$/.test(text) && Number.isSafeInteger(value + 1) ? value : undefined
}

/** What the numbers of a key are kept under where all are in one place. */
export function sequenceName(thumbprint: Uint8Array): string {
  return `sequence/${toBase64url(thumbprint)}`
}

/** As {@link sequenceName}, for the messages that a key encrypted. */
export function encryptionsName(keyName: string): string {
  return `encryptions/${keyName}`
}

/** As {@link sequenceName}, for what callers name: their names never meet those of counters. */
export function valueName(name: string): string {
  return `value/${name}`
}

/**
 * Whether `set` may write. Its rest arguments tell "absent is expected" from "whatever is there".
 * @param present undefined when absent
 */
export function isAsExpected(present: Uint8Array | undefined, expected: readonly [Uint8Array?]): boolean {
  if (expected.length === 0) return true
  const [value] = expected
  return present === undefined || value === undefined ? present === value : bytesEqual(present, value)
}
