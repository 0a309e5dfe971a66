import {
  type CryptoProvider,
  type P256PrivateKey,
  type P256PublicKey,
  p256OfPoint,
  thumbprintOfP256,
  uncompressedPoint,
} from '../../protocol/index.ts'
import { toLowS } from './low-s.ts'

/** Who signs: a PEM in Node, a non-extractable CryptoKey in a browser, hardware elsewhere. */
export interface Signer {
  readonly publicKey: P256PublicKey
  /** RFC 9679 thumbprint, 32 bytes. */
  readonly thumbprint: Uint8Array
  /** ECDSA P-256 SHA-256 over message, r || s, low-S. */
  sign(message: Uint8Array): Promise<Uint8Array>
  /** x coordinate of the shared point, 32 bytes; for pairwise encryption and key messages. */
  agree(publicKey: P256PublicKey): Promise<Uint8Array>
}

/** A key of WebCrypto, as this platform has it. */
export type WebCryptoKey = Parameters<typeof globalThis.crypto.subtle.sign>[1]

/** One private key, imported for both of its uses: WebCrypto keeps them apart. */
export interface WebCryptoKeys {
  /** ECDSA on P-256, with the usage `sign`. It need not be extractable. */
  readonly signing: WebCryptoKey
  /** ECDH on P-256, with the usage `deriveBits`, of the same private key. */
  readonly agreement: WebCryptoKey
  readonly publicKey: P256PublicKey
}

/** Signs with a key whose bytes are in memory. */
export function softwareSigner(key: P256PrivateKey, crypto: CryptoProvider): Signer {
  return Object.freeze<Signer>({
    publicKey: { x: key.x, y: key.y },
    thumbprint: thumbprintOfP256(key, crypto),
    sign: async (message) => toLowS(crypto.signP256(key, message)),
    agree: async (publicKey) => crypto.ecdhP256(key, publicKey),
  })
}

/** Signs with keys of WebCrypto, which may be such that nobody can read them. */
export function webCryptoSigner({ signing, agreement, publicKey }: WebCryptoKeys, crypto: CryptoProvider): Signer {
  const { subtle } = globalThis.crypto
  return Object.freeze<Signer>({
    publicKey,
    thumbprint: thumbprintOfP256(publicKey, crypto),
    sign: async (message) => {
      const signature = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signing, message)
      return toLowS(new Uint8Array(signature))
    },
    agree: async (other) => {
      const curve = { name: 'ECDH', namedCurve: 'P-256' }
      const key = await subtle.importKey('raw', uncompressedPoint(other), curve, false, [])
      return new Uint8Array(await subtle.deriveBits({ name: 'ECDH', public: key }, agreement, 256))
    },
  })
}

/**
 * Makes a key pair that can sign and agree and that no script can read. `IndexedDbKeyStore.ownKeys` keeps one: IndexedDB
 * stores such keys as they are.
 */
export async function generateWebCryptoKeys(): Promise<WebCryptoKeys> {
  const { subtle } = globalThis.crypto
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const pair = await subtle.generateKey(curve, true, ['sign', 'verify'])
  const point = new Uint8Array(await subtle.exportKey('raw', pair.publicKey))
  const pkcs8 = new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey))
  const keys = await importWebCryptoKeys(pkcs8, p256OfPoint(point))
  pkcs8.fill(0)
  return keys
}

/** Imports a private key (PKCS #8, DER) so that it cannot be read again. */
export async function importWebCryptoKeys(pkcs8: Uint8Array, publicKey: P256PublicKey): Promise<WebCryptoKeys> {
  const { subtle } = globalThis.crypto
  const [signing, agreement] = await Promise.all([
    subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
    subtle.importKey('pkcs8', pkcs8, { name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']),
  ])
  return { signing, agreement, publicKey }
}
