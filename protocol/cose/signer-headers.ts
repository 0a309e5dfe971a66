import { CborWriter } from '../cbor/index.ts'
import { headerLabel } from './algorithms.ts'
import { kidOf } from './cose-key.ts'

/**
 * Protected headers of everything that is signed and is no publish: `{1: alg, 4: kid}`.
 * @param thumbprint the signer's, 32 bytes
 */
export function signerHeaders(alg: number, thumbprint: Uint8Array): Uint8Array {
  return new CborWriter(16).map(2).int(headerLabel.alg).int(alg).int(headerLabel.kid).bytes(kidOf(thumbprint)).finish()
}
