import { CborWriter } from '../cbor/index.ts'

/**
 * What a COSE_Sign1 signs (RFC 9052 section 4.4): `["Signature1", body_protected, external_aad, payload]`.
 * @param protectedBytes as received; empty when there are no protected headers
 */
export function sigStructure(protectedBytes: Uint8Array, externalAad: Uint8Array, payload: Uint8Array): Uint8Array {
  return new CborWriter(protectedBytes.length + externalAad.length + payload.length + 40)
    .array(4)
    .text('Signature1')
    .bytes(protectedBytes)
    .bytes(externalAad)
    .bytes(payload)
    .finish()
}

/** First element of every external_aad of ours: a signature made for another protocol never fits. */
export const contextLabel = 'notarymq/1'

/** `["notarymq/1", purpose]`; for a publish the purpose is the Topic Name as the publisher means it. */
export function externalAad(purpose: string): Uint8Array {
  return new CborWriter(purpose.length + 24).array(2).text(contextLabel).text(purpose).finish()
}
