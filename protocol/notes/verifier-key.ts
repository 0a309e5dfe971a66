import { concatBytes, toHex, utf8 } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'

const typeEd25519 = 1
const keyIdBytes = 4

/**
 * Verifier key of a signed note (C2SP signed-note): `name+hex8(keyId)+base64(type || public key)`.
 * @param name origin of the log; no Unicode space, no `+`
 * @param publicKey Ed25519, 32 bytes
 */
export function verifierKeyText(name: string, publicKey: Uint8Array, crypto: CryptoProvider): string {
  if (!isKeyName(name)) throw new RangeError('a key name is not empty and has neither + nor spaces')
  const typed = concatBytes(Uint8Array.of(typeEd25519), publicKey)
  const keyId = crypto.sha256(utf8(name), Uint8Array.of(0x0a), typed).subarray(0, keyIdBytes)
  const hex = toHex(keyId)
  return `${name}+${hex}+${btoa(String.fromCharCode(...typed))}`
}

/** What may stand in for a key name, and therefore for an origin. */
export function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return name.length > 0 && !/[+\s\u0000-\u001f\u007f-\u009f\p{Surrogate}]/u.test(name)
}
