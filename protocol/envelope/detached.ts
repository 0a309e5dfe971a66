import { fromBase64url, toBase64url } from '../bytes.ts'
import { externalAad, kidOf, type P256PrivateKey, parseSign1, signSign1Detached } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import type { Envelope, PublishToSign } from './envelope.ts'
import { addHopMac, type HopMacKey, mac0Start, parseHopMac } from './hop-mac.ts'
import { malformed, publishProtectedHeaders, readPublishHeaders } from './publish-headers.ts'

/** The MQTT 5 user property of the detached carrier [MQTT-5.0 3.3.2.3.7]. */
export const detachedProperty = 'notarymq'

/** What the user property holds for a COSE_Sign1 without payload, or for the COSE_Mac0 around one. */
export function detachedValueOf(sign1WithoutPayload: Uint8Array): string {
  return toBase64url(sign1WithoutPayload)
}

/**
 * Reads the envelope that the user property `notarymq` holds about the MQTT payload beside it.
 * @param propertyValue base64url without padding
 * @returns undefined when it is anything else than an envelope without payload
 */
export function parseDetachedEnvelope(propertyValue: string, payload: Uint8Array): Envelope | undefined {
  const message = decoded(propertyValue)
  if (message === undefined) return undefined
  try {
    const mac = message[0] === mac0Start ? parseHopMac(message, payload) : undefined
    const sign1 = parseSign1(mac?.content ?? message)
    const headers = readPublishHeaders(sign1)
    if (sign1.payload !== undefined) throw malformed('a payload of its own')
    return { carrier: 'detached', ...headers, sign1, payload, mac }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function decoded(propertyValue: string): Uint8Array | undefined {
  try {
    return fromBase64url(propertyValue)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/**
 * Makes the detached envelope of one publish, over the same structure as an attached one.
 * @param thumbprint the signer's, 32 bytes
 * @param hopMac the session by which to MAC it, where there is one
 * @returns the value of the user property `notarymq`
 */
export function signPublishDetached(
  key: P256PrivateKey,
  thumbprint: Uint8Array,
  publish: PublishToSign,
  crypto: CryptoProvider,
  hopMac?: HopMacKey,
): string {
  const headers = publishProtectedHeaders(kidOf(thumbprint), publish.seq, publish.timeMs)
  const sign1 = signSign1Detached(key, headers, externalAad(publish.topic), publish.payload, crypto)
  return detachedValueOf(hopMac === undefined ? sign1 : addHopMac(sign1, hopMac, publish.payload, crypto))
}
