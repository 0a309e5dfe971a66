import { CborWriter } from '../cbor/index.ts'
import { headerLabel } from './algorithms.ts'
import { kidOf } from './cose-key.ts'
import type { Sign1 } from './sign1.ts'

/**
 * Protected headers of everything that is signed and is no publish: `{1: alg, 4: kid}`.
 * @param thumbprint the signer's, 32 bytes
 */
export function signerHeaders(alg: number, thumbprint: Uint8Array): Uint8Array {
  return new CborWriter(16).map(2).int(headerLabel.alg).int(alg).int(headerLabel.kid).bytes(kidOf(thumbprint)).finish()
}

/**
 * The kid of a message whose headers are those of {@link signerHeaders} and no others; which alg is admitted is checked
 * with the signature.
 * @returns undefined when there are other headers, protected or not
 */
export function signerKidOf({ protectedHeaders, unprotectedHeaders }: Sign1): Uint8Array | undefined {
  const kid = protectedHeaders.get(headerLabel.kid)
  const areTheirs = protectedHeaders.size === 2 && unprotectedHeaders.size === 0
  return areTheirs && kid instanceof Uint8Array ? kid : undefined
}
