import {
  bytesEqual,
  CborReader,
  CborWriter,
  type KeyRegistry,
  type RefusalCause,
  type RegisteredKey,
} from '../../protocol/index.ts'
import { type StoreDatabase, storeSublevel } from './level-store.ts'
import type { StoreOperation } from './store.ts'

/** A signed will, as far as it matters here. */
export interface SignedWill {
  readonly signer: RegisteredKey
  readonly seq: number
  /** SHA-256 of the Sig_structure. */
  readonly contentDigest: Uint8Array
}

/** Who leaves a will. */
export interface WillOwner {
  readonly clientId: string
  /** Undefined: it has none, or only claims it. */
  readonly provenUsername: string | undefined
}

/** Whose will has a sequence number. */
interface Reservation extends WillOwner {
  readonly contentDigest: Uint8Array
}

interface ReservedSeqs {
  readonly bySeq: Map<number, Reservation>
  /** Numbers below may be ones of wills that are forgotten. */
  floor: number
}

/** Wills of one key that are remembered. A device that leaves a new one at each of its connects needs no more. */
const maxReserved = 1024
const version = 1

/**
 * Sequence numbers that signed wills have taken. A will is signed long before it fires, so its number stands outside the
 * window; whoever saw the will must not be able to publish it as a message, or leave it as a will of its own. The
 * identical will of the same client and the same proven name may be left, and fire, again.
 */
export class WillReservations {
  readonly #sublevel
  readonly #byKey = new Map<RegisteredKey, ReservedSeqs>()

  private constructor(database: StoreDatabase) {
    this.#sublevel = storeSublevel(database, 'will-reservations')
  }

  /** Reads what was reserved before. @throws {ProtocolError} ERR_CBOR_* when the store is damaged */
  static async open(database: StoreDatabase, registry: KeyRegistry): Promise<WillReservations> {
    const reservations = new WillReservations(database)
    for await (const [key, value] of reservations.#sublevel.iterator()) {
      const { seq, thumbprint } = decodeKey(key)
      const signer = registry.resolve(thumbprint)
      if (signer !== undefined) reservations.#remember(signer, seq, decodeReservation(value))
    }
    return reservations
  }

  /** Whether a number may be one of a will: then no publish may have it. */
  isTaken(signer: RegisteredKey, seq: number): boolean {
    if (this.#byKey.size === 0) return false
    const reserved = this.#byKey.get(signer)
    return reserved !== undefined && (reserved.bySeq.has(seq) || seq < reserved.floor)
  }

  /** Why a will that verified may not be left by this client, or fire; undefined: it may. */
  refusalOf({ signer, seq, contentDigest }: SignedWill, owner: WillOwner): RefusalCause | undefined {
    const reserved = this.#byKey.get(signer)
    const own = reserved?.bySeq.get(seq)
    if (own !== undefined) {
      const isSame =
        bytesEqual(own.contentDigest, contentDigest) &&
        own.clientId === owner.clientId &&
        own.provenUsername === owner.provenUsername
      return isSame ? undefined : 'will-replayed'
    }
    if (signer.window.isTooOld(seq) || (reserved !== undefined && seq < reserved.floor)) return 'seq-too-old'
    // A message of the key, caught on its way, that somebody leaves as a will.
    return signer.window.find(seq) === undefined ? undefined : 'will-replayed'
  }

  /**
   * Takes the number of a will that {@link refusalOf} has nothing against.
   * @returns what to write in the batch in which the will is stored, or fires
   */
  reserve({ signer, seq, contentDigest }: SignedWill, owner: WillOwner): readonly StoreOperation[] {
    if (this.#byKey.get(signer)?.bySeq.has(seq) === true) return []
    const { clientId, provenUsername } = owner
    // A copy: what is given is often a view of a whole packet.
    const reservation = { contentDigest: Uint8Array.from(contentDigest), clientId, provenUsername }
    const dropped = this.#remember(signer, seq, reservation)
    const put: StoreOperation = {
      type: 'put',
      sublevel: this.#sublevel,
      key: encodeKey(signer.thumbprint, seq),
      value: encodeReservation(reservation),
    }
    if (dropped === undefined) return [put]
    return [put, { type: 'del', sublevel: this.#sublevel, key: encodeKey(signer.thumbprint, dropped) }]
  }

  /** @returns the number that is forgotten for it */
  #remember(signer: RegisteredKey, seq: number, reservation: Reservation): number | undefined {
    let reserved = this.#byKey.get(signer)
    if (reserved === undefined) {
      reserved = { bySeq: new Map(), floor: 0 }
      this.#byKey.set(signer, reserved)
    }
    const { bySeq } = reserved
    bySeq.set(seq, reservation)
    if (bySeq.size < maxReserved) return undefined
    // What is forgotten is refused as too old from then on; after a restart the lowest that is left says so.
    const lowest = Math.min(...bySeq.keys())
    let dropped: number | undefined
    if (bySeq.size > maxReserved) {
      bySeq.delete(lowest)
      dropped = lowest
    }
    reserved.floor = Math.min(...bySeq.keys())
    return dropped
  }
}

/** Thumbprint, then the number as 8 bytes big-endian. */
function encodeKey(thumbprint: Uint8Array, seq: number): Uint8Array {
  const key = new Uint8Array(40)
  key.set(thumbprint)
  new DataView(key.buffer).setBigUint64(32, BigInt(seq))
  return key
}

function decodeKey(key: Uint8Array): { thumbprint: Uint8Array; seq: number } {
  const seq = Number(new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(32))
  return { thumbprint: key.subarray(0, 32), seq }
}

/** CBOR `[1, content digest, client id, proven username / nil]`. */
function encodeReservation({ contentDigest, clientId, provenUsername: username }: Reservation): Uint8Array {
  const writer = new CborWriter(64 + clientId.length).array(4).int(version).bytes(contentDigest)
  return writer.text(clientId).textOrNil(username).finish()
}

function decodeReservation(encoded: Uint8Array): Reservation {
  const reader = new CborReader(encoded)
  reader.array(4)
  if (reader.uint() !== version) throw new RangeError('a will reservation written by another version')
  const contentDigest = reader.bytes(32)
  const clientId = reader.text()
  const username = reader.textOrNil()
  reader.end()
  return { contentDigest, clientId, provenUsername: username }
}
