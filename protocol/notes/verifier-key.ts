import { bytesEqual, concatBytes, toHex, utf8 } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { NoteError } from './errors.ts'
import { fromBase64, toBase64 } from './note-text.ts'
import { isSmallOrder } from './small-order.ts'

/** Signature types that are told apart here (C2SP signed-note); any other is carried along and never verified. */
export const noteKeyType = { ed25519: 0x01, ecdsa: 0x02, cosignature: 0x04, mlDsa44Cosignature: 0x06 } as const

/** Bytes of the public key, for the types that fix them. */
const publicKeyBytes: ReadonlyMap<number, number> = new Map([
  [noteKeyType.ed25519, 32],
  [noteKeyType.cosignature, 32],
  [noteKeyType.mlDsa44Cosignature, 1312],
])

/** Bytes of a key id. */
export const keyIdBytes = 4

/** Longest verifier key that is looked at; one of ML-DSA-44 has about 1,800 characters. */
const maxVerifierKeyLength = 4096

/** Whose signatures to accept: the public half of a key that signs notes. */
export interface VerifierKey {
  /** For a log its origin. */
  readonly name: string
  /** 4 bytes: with the name, what a signature line says of its key. */
  readonly keyId: Uint8Array
  /** See {@link noteKeyType}. */
  readonly type: number
  readonly publicKey: Uint8Array
}

/**
 * A verifier key with its key id: SHA-256(name || LF || type || public key), of ECDSA keys SHA-256(public key), cut to
 * 4 bytes.
 * @throws {RangeError} for a name that no key may have
 */
export function verifierKey(name: string, type: number, publicKey: Uint8Array, crypto: CryptoProvider): VerifierKey {
  if (!isKeyName(name)) throw new RangeError('a key name is not empty and has neither + nor spaces')
  const identified =
    type === noteKeyType.ecdsa ? [publicKey] : [utf8(name), Uint8Array.of(0x0a), Uint8Array.of(type), publicKey]
  return { name, keyId: crypto.sha256(...identified).slice(0, keyIdBytes), type, publicKey }
}

/** The line that a verifier key travels as (C2SP signed-note): `name+hex8(keyId)+base64(type || public key)`. */
export function encodeVerifierKey({ name, keyId, type, publicKey }: VerifierKey): string {
  return `${name}+${toHex(keyId)}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`
}

/**
 * Reads the line of a verifier key of any type.
 * @throws {NoteError} ERR_NOTE_KEY_INVALID
 */
export function parseVerifierKey(text: string, crypto: CryptoProvider): VerifierKey {
  if (text.length > maxVerifierKeyLength) throw invalid('too long')
  const [, name = '', idHex = '', base64 = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text) ?? []
  const typed = fromBase64(base64)
  const type = typed?.[0]
  if (!isKeyName(name) || typed === undefined || type === undefined) throw invalid('not name+id+key')
  const key = verifierKey(name, type, typed.slice(1), crypto)
  if ((publicKeyBytes.get(type) ?? key.publicKey.length) !== key.publicKey.length || key.publicKey.length === 0) {
    throw invalid('a public key of another length than its type has')
  }
  const isEd25519 = type === noteKeyType.ed25519 || type === noteKeyType.cosignature
  if (isEd25519 && isSmallOrder(key.publicKey)) throw invalid('a public key of small order')
  if (toHex(key.keyId) !== idHex) throw invalid('the id is not that of the key')
  return key
}

/**
 * Verifier key of a log that signs with Ed25519, as a line.
 * @param name origin of the log; no Unicode space, no `+`
 * @param publicKey 32 bytes
 * @throws {RangeError} for a name that no key may have
 */
export function verifierKeyText(name: string, publicKey: Uint8Array, crypto: CryptoProvider): string {
  return encodeVerifierKey(verifierKey(name, noteKeyType.ed25519, publicKey, crypto))
}

/** Whether a signature line that names these is by this key: name and id together, never one alone. */
export function isKeyOf(key: VerifierKey, signature: Pick<VerifierKey, 'name' | 'keyId'>): boolean {
  return key.name === signature.name && bytesEqual(key.keyId, signature.keyId)
}

/** What may stand in for a key name, and therefore for an origin. */
export function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return name.length > 0 && !/[+\s\u0000-\u001f\u007f-\u009f\p{Surrogate}]/u.test(name)
}

function invalid(why: string): NoteError {
  return new NoteError('ERR_NOTE_KEY_INVALID', `not a verifier key: ${why}`)
}
