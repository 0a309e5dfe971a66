import { coseTag, externalAad, kidOf, type P256PrivateKey, parseSign1, signSign1 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import type { Envelope, PublishToSign } from './envelope.ts'
import { addHopMac, type HopMac, type HopMacKey, mac0Start, parseHopMac } from './hop-mac.ts'
import { malformed, publishProtectedHeaders, readPublishHeaders } from './publish-headers.ts'

const sign1Start = 0xc0 | coseTag.sign1
const nothing = new Uint8Array(0)

/**
 * Looks for an attached envelope in an MQTT payload. Only what parses as a whole is one; everything else, other
 * people's COSE included, is an opaque payload.
 * @returns undefined when there is none
 */
export function parseAttachedEnvelope(message: Uint8Array): Envelope | undefined {
  const first = message[0]
  // One byte settles it for nearly every payload that is not ours: tags 17 and 18 in their only admitted form.
  if (first !== sign1Start && first !== mac0Start) return undefined
  try {
    const mac = first === mac0Start ? parseHopMac(message, nothing) : undefined
    return attached(mac?.content ?? message, mac)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function attached(sign1Bytes: Uint8Array, mac: HopMac | undefined): Envelope {
  const sign1 = parseSign1(sign1Bytes)
  const headers = readPublishHeaders(sign1)
  if (sign1.payload === undefined) throw malformed('no payload')
  return { carrier: 'attached', ...headers, sign1, payload: sign1.payload, mac }
}

/**
 * Makes the attached envelope of one publish.
 * @param thumbprint the signer's, 32 bytes
 * @param hopMac the session by which to MAC it, where there is one
 * @returns the MQTT payload to send: 101 bytes more than the application payload, for short ones, and 53 with the MAC
 */
export function signPublish(
  key: P256PrivateKey,
  thumbprint: Uint8Array,
  publish: PublishToSign,
  crypto: CryptoProvider,
  hopMac?: HopMacKey,
): Uint8Array {
  const headers = publishProtectedHeaders(kidOf(thumbprint), publish.seq, publish.timeMs)
  const sign1 = signSign1(key, headers, externalAad(publish.topic), publish.payload, crypto)
  return hopMac === undefined ? sign1 : addHopMac(sign1, hopMac, nothing, crypto)
}
