import type { P256PublicKey } from '../../protocol/index.ts'

/** One ECDSA P-256 signature with SHA-256 to be verified. */
export interface VerificationJob {
  readonly key: P256PublicKey
  /** What is signed, as it is: the thread hashes it. Not changed before `done`. */
  readonly message: Uint8Array
  /** r || s; another length than 64 bytes is an invalid signature. */
  readonly signature: Uint8Array
}

/** r || s of P-256. */
export const signatureBytes = 64
const coordinateBytes = 32
const wordBytes = 4
/** Two words a job: the key's slot, and the length of the message. */
const wordsPerJob = 2
/** Set in the word of the slot when the key comes along, to be kept there. */
const isNewKey = 0x8000_0000

/**
 * The keys that one thread has, by number. The oldest gives its number to a new one, which is right in whatever batch
 * that happens: numbers are read in the order they were given in.
 */
export class KeySlots {
  readonly #capacity: number
  readonly #slots = new Map<P256PublicKey, number>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** @param key known by identity */
  slotOf(key: P256PublicKey): { readonly slot: number; readonly isNew: boolean } {
    const known = this.#slots.get(key)
    if (known !== undefined) return { slot: known, isNew: false }
    let slot = this.#slots.size
    if (slot === this.#capacity) {
      for (const [oldest, freed] of this.#slots) {
        this.#slots.delete(oldest)
        slot = freed
        break
      }
    }
    this.#slots.set(key, slot)
    return { slot, isNew: true }
  }
}

/**
 * Jobs in one buffer, to be given to a thread without another copy: the number of jobs, two words for each of them, then
 * for each its key (x || y) when it is new to the thread, its signature and its message. Words are the machine's own.
 */
export function packBatch(jobs: readonly VerificationJob[], slots: KeySlots): ArrayBuffer {
  const headBytes = wordBytes * (1 + wordsPerJob * jobs.length)
  const head = new Uint32Array(headBytes / wordBytes)
  head[0] = jobs.length
  let length = headBytes
  let word = 1
  for (const { key, message } of jobs) {
    const { slot, isNew } = slots.slotOf(key)
    head[word++] = isNew ? slot | isNewKey : slot
    head[word++] = message.length
    length += (isNew ? 2 * coordinateBytes : 0) + signatureBytes + message.length
  }
  const bytes = new Uint8Array(length)
  bytes.set(new Uint8Array(head.buffer))
  let at = headBytes
  const append = (part: Uint8Array) => {
    bytes.set(part, at)
    at += part.length
  }
  for (const [index, { key, message, signature }] of jobs.entries()) {
    if (((head[1 + wordsPerJob * index] ?? 0) & isNewKey) !== 0) {
      append(key.x)
      append(key.y)
    }
    append(signature)
    append(message)
  }
  return bytes.buffer
}

/** A job as its thread reads it; the arrays are views of the batch. */
export interface UnpackedJob {
  readonly slot: number
  /** To be kept in the slot from here on; undefined: the one that is there. */
  readonly newKey: P256PublicKey | undefined
  readonly signature: Uint8Array
  readonly message: Uint8Array
}

export function* unpackBatch(batch: ArrayBuffer): Generator<UnpackedJob> {
  const [count = 0] = new Uint32Array(batch, 0, 1)
  const head = new Uint32Array(batch, wordBytes, wordsPerJob * count)
  let at = wordBytes * (1 + head.length)
  const next = (length: number) => {
    const part = new Uint8Array(batch, at, length)
    at += length
    return part
  }
  for (let word = 0; word < head.length; word += wordsPerJob) {
    const slotWord = head[word] ?? 0
    const messageLength = head[word + 1] ?? 0
    const newKey = (slotWord & isNewKey) === 0 ? undefined : { x: next(coordinateBytes), y: next(coordinateBytes) }
    const signature = next(signatureBytes)
    yield { slot: (slotWord & ~isNewKey) >>> 0, newKey, signature, message: next(messageLength) }
  }
}
