import { createHash } from 'node:crypto'
import {
  type CborValue,
  CborWriter,
  encodeCbor,
  externalAad,
  nobleCrypto,
  publishProtectedHeaders,
  signSign1,
} from '../../protocol/index.ts'
import type { TestKey } from './keys.ts'

/** What a signed publish may have other than usual. */
export interface EnvelopeChanges {
  readonly seq?: number
  readonly timeMs?: number
  /** COSE algorithm that the header names; the signature is ECDSA on P-256 all the same. */
  readonly alg?: number
}

/** A device of the tests: signs with its key, and counts. */
export class Signer {
  readonly key: TestKey
  /** The number signed last. */
  seq = 0

  constructor(key: TestKey) {
    this.key = key
  }

  /** @returns the attached envelope, with the next sequence number unless one is given */
  sign(topic: string, payload: string | Uint8Array, changes: EnvelopeChanges = {}): Uint8Array {
    const seq = changes.seq ?? ++this.seq
    const timeMs = changes.timeMs ?? Date.now()
    const kid = this.key.thumbprint.subarray(0, 8)
    const protectedBytes =
      changes.alg === undefined
        ? publishProtectedHeaders(kid, seq, timeMs)
        : encodeCbor(
            new Map<number, CborValue>([
              [1, changes.alg],
              [4, kid],
              [-65537, [seq, timeMs]],
            ]),
          )
    return signSign1(this.key, protectedBytes, externalAad(topic), Buffer.from(payload), nobleCrypto)
  }
}

/** SHA-256 as records in JSON have it. */
export function sha256Base64url(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** An envelope inside a hop MAC (COSE_Mac0) under a session that nobody agreed on. */
export function withHopMac(envelope: Uint8Array): Uint8Array {
  const sid = new Uint8Array(8)
  const headers = encodeCbor(
    new Map<number, CborValue>([
      [1, 5],
      [4, sid],
    ]),
  )
  const writer = new CborWriter(envelope.length + 64).tag(17).array(4).bytes(headers).map(0).bytes(envelope)
  return writer.bytes(new Uint8Array(32)).finish()
}
