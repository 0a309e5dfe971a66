import { p256 } from '@noble/curves/nist.js'
import {
  fromHex,
  nobleCrypto,
  type P256PrivateKey,
  type P256PublicKey,
  thumbprintOfP256,
} from '../../protocol/index.ts'

/** A key pair of the tests with what everything else is derived from. Published examples: they protect nothing. */
export interface TestKey extends P256PrivateKey {
  /** RFC 9679 thumbprint, 32 bytes. */
  readonly thumbprint: Uint8Array
}

/** The key pair that belongs to a scalar. @param scalarHex 64 hexadecimal digits */
export function testKey(scalarHex: string): TestKey {
  const d = fromHex(scalarHex)
  const point = p256.getPublicKey(d, false)
  const publicKey = { x: point.slice(1, 33), y: point.slice(33) }
  return Object.freeze({ d, ...publicKey, thumbprint: thumbprintOfP256(publicKey, nobleCrypto) })
}

/** A key pair per small number, for tests that need many. */
export function numberedKey(n: number): TestKey {
  return testKey(n.toString(16).padStart(64, '0'))
}

/** Key "11" of the cose-wg examples: the device whose envelope `formats.md` and `docs/chain.md` work through. */
export const key11: TestKey = testKey('57c92077664146e876760c9520d054aa93c3afb04e306705db6090308507b4d3')

/** Key "meriadoc.brandybuck@buckland.example" of the cose-wg examples: the broker of the golden chain. */
export const keyMeriadoc: TestKey = testKey('aff907c99f9ad3aae6c4cdf21122bce2bd68b5283e6907154ad911840fa208cf')

/** The same key without its scalar. */
export function publicOf(key: P256PublicKey): P256PublicKey {
  return { x: key.x, y: key.y }
}

/** Ed25519 public key of the example note in C2SP signed-note: the log key of the golden chain. */
export const logPublicKey: Uint8Array = Uint8Array.from(
  atob('AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'),
  (character) => character.charCodeAt(0),
).subarray(1)
