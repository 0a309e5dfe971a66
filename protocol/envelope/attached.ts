import { CborReader, readMap } from '../cbor/index.ts'
import {
  algHmac256,
  coseTag,
  externalAad,
  headerLabel,
  kidOf,
  type P256PrivateKey,
  parseProtectedHeaders,
  parseSign1,
  type Sign1,
  signSign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { malformed, type PublishHeaders, publishProtectedHeaders, readPublishHeaders } from './publish-headers.ts'

const macTagBytes = 32
const sidBytes = 8

/** A signed publish found in an MQTT payload: parsed, not yet verified. */
export interface AttachedEnvelope extends PublishHeaders {
  readonly sign1: Sign1
  /** The application payload. */
  readonly payload: Uint8Array
  /** True when the COSE_Sign1 came inside a COSE_Mac0 (hop MAC). */
  readonly hopMac: boolean
}

/**
 * Looks for an attached envelope in an MQTT payload. Only what parses as a whole is one; everything else, other
 * people's COSE included, is an opaque payload.
 * @returns undefined when there is none
 */
export function parseAttachedEnvelope(message: Uint8Array): AttachedEnvelope | undefined {
  const first = message[0]
  // One byte settles it for nearly every payload that is not ours: tags 17 and 18 in their only admitted form.
  if (first !== (0xc0 | coseTag.sign1) && first !== (0xc0 | coseTag.mac0)) return undefined
  try {
    if (first === (0xc0 | coseTag.mac0)) return parseSigned(unwrapMac0(message), true)
    return parseSigned(message, false)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function parseSigned(message: Uint8Array, hopMac: boolean): AttachedEnvelope {
  const sign1 = parseSign1(message)
  const headers = readPublishHeaders(sign1)
  const { payload } = sign1
  if (payload === undefined) throw malformed('no payload')
  return { sign1, ...headers, payload, hopMac }
}

/** The COSE_Sign1 inside a hop MAC (COSE_Mac0, `{1: 5, 4: sid}`). */
function unwrapMac0(message: Uint8Array): Uint8Array {
  const reader = new CborReader(message)
  reader.tag(coseTag.mac0)
  reader.array(4)
  const headers = parseProtectedHeaders(reader.bytes())
  const unprotected = readMap(reader, 1)
  const inner = reader.bytes()
  reader.bytes(macTagBytes)
  reader.end()
  if (headers.size !== 2 || headers.get(headerLabel.alg) !== algHmac256) throw malformed('MAC headers')
  const sid = headers.get(headerLabel.kid)
  if (!(sid instanceof Uint8Array) || sid.length !== sidBytes || unprotected.size !== 0) throw malformed('MAC headers')
  return inner
}

/** What a publisher signs over. */
export interface PublishToSign {
  readonly topic: string
  readonly payload: Uint8Array
  readonly seq: number
  readonly timeMs: number
}

/**
 * Makes the attached envelope of one publish.
 * @param thumbprint the signer's, 32 bytes
 * @returns the MQTT payload to send: 101 bytes more than the application payload, for short ones
 */
export function signPublish(
  key: P256PrivateKey,
  thumbprint: Uint8Array,
  publish: PublishToSign,
  crypto: CryptoProvider,
): Uint8Array {
  const headers = publishProtectedHeaders(kidOf(thumbprint), publish.seq, publish.timeMs)
  return signSign1(key, headers, externalAad(publish.topic), publish.payload, crypto)
}
