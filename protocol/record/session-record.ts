import type { CborValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { requestTopic } from '../topics/index.ts'
import type { Requester } from './key-event.ts'
import type { ChainRecord } from './record.ts'

/** A key exchange that the broker answered: its request takes a sequence number, as a publish does. */
export interface SessionEvent {
  /** Of the key that signed the request. */
  readonly thumbprint: Uint8Array
  readonly seq: number
  readonly signedTimeMs: number
  /** SHA-256 of the Sig_structure of the request. */
  readonly contentDigest: Uint8Array
  /** The COSE_Sign1 as it came. */
  readonly request: Uint8Array
  /** Session id, 8 bytes. */
  readonly sid: Uint8Array
  /** Milliseconds since 1970. */
  readonly expiryMs: number
  /** SHA-256 of the COSE_Sign1 that went back, 32 bytes. */
  readonly responseDigest: Uint8Array
}

const detail = { request: 1, sid: 2, expiryMs: 3, responseDigest: 4 } as const
const sidBytes = 8
const sha256Bytes = 32

/** @param requester the client that asked, with its client id and listener */
export function sessionRecord(session: SessionEvent, requester: Requester, timeMs: number): ChainRecord {
  const { thumbprint, seq, signedTimeMs, contentDigest } = session
  return {
    kind: 'session',
    timeMs,
    topic: requestTopic.keyExchange,
    ...requester,
    thumbprint,
    seq,
    signedTimeMs,
    contentDigest,
    detail: new Map<number, CborValue>([
      [detail.request, session.request],
      [detail.sid, session.sid],
      [detail.expiryMs, session.expiryMs],
      [detail.responseDigest, session.responseDigest],
    ]),
  }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED */
export function parseSession(record: ChainRecord): SessionEvent {
  const { thumbprint, seq, signedTimeMs, contentDigest, detail: fields } = record
  if (record.kind !== 'session' || record.topic !== requestTopic.keyExchange || fields?.size !== 4) throw malformed()
  if (thumbprint === undefined || seq === undefined || signedTimeMs === undefined || contentDigest === undefined) {
    throw malformed()
  }
  const request = fields.get(detail.request)
  const sid = fields.get(detail.sid)
  const expiryMs = fields.get(detail.expiryMs)
  const responseDigest = fields.get(detail.responseDigest)
  if (!(request instanceof Uint8Array) || typeof expiryMs !== 'number' || expiryMs < 0) throw malformed()
  if (!(sid instanceof Uint8Array) || sid.length !== sidBytes) throw malformed()
  if (!(responseDigest instanceof Uint8Array) || responseDigest.length !== sha256Bytes) throw malformed()
  return { thumbprint, seq, signedTimeMs, contentDigest, request, sid, expiryMs, responseDigest }
}

function malformed(): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', 'not the record of a session')
}
