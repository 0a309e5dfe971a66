import {
  bytesEqual,
  type CryptoProvider,
  type EncryptionKey,
  fromBase64url,
  fromHex,
  nobleCrypto,
  utf8,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { MessageCipher } from './message-cipher.ts'
import type { UsageMemory } from './ports.ts'
import { SharedKeyCipher } from './shared-key-cipher.ts'

const maxKeyIdBytes = 64
const keyLengths: ReadonlySet<number> = new Set([16, 32])

/**
 * Reads a file of pre-shared keys, of the form that Mosquitto's psk_file has: lines `ID:KEY`, with a key of 128 or 256 bits
 * in hexadecimal or base64. Empty lines and those that begin with # say nothing.
 * @returns in their order: the first is to encrypt with, all decrypt
 * @throws {ClientError} ERR_ENCRYPTION_KEYS, which names the line and nothing of its content
 */
export function parsePreSharedKeys(text: string): readonly EncryptionKey[] {
  const keys: EncryptionKey[] = []
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const id = utf8(line.slice(0, Math.max(colon, 0)))
    const key = keyOfText(line.slice(colon + 1).trim())
    if (id.length === 0 || id.length > maxKeyIdBytes) throw badLine(at, 'no key id of 1 to 64 bytes before a colon')
    if (key === undefined) throw badLine(at, 'no key of 16 or 32 bytes in hexadecimal or base64')
    if (keys.some((other) => bytesEqual(other.id, id))) throw badLine(at, 'a key id that was there before')
    keys.push({ id, key })
  }
  if (keys.length === 0) throw new ClientError('ERR_ENCRYPTION_KEYS', 'no pre-shared key')
  return keys
}

/** No text of one form has the length of a key in the other. */
function keyOfText(text: string): Uint8Array | undefined {
  try {
    const isHex = /^[0-9a-fA-F]+$/.test(text) && keyLengths.has(text.length / 2)
    const base64url = text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
    const key = isHex ? fromHex(text) : fromBase64url(base64url)
    return keyLengths.has(key.length) ? key : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function badLine(at: number, what: string): ClientError {
  return new ClientError('ERR_ENCRYPTION_KEYS', `line ${at + 1} of the pre-shared keys: ${what}`, { line: at + 1 })
}

export interface PreSharedKeyOptions {
  /** At least one, see {@link parsePreSharedKeys}: the first is to encrypt with, all decrypt. */
  readonly keys: readonly EncryptionKey[]
  /** Topic filters whose messages are encrypted. */
  readonly topics: readonly string[]
  readonly memory: UsageMemory
  readonly crypto?: CryptoProvider
}

/** Encrypts with keys that all clients were given beforehand. @throws {ClientError} ERR_ENCRYPTION_KEYS */
export function preSharedKeyCipher({ keys, topics, memory, crypto = nobleCrypto }: PreSharedKeyOptions): MessageCipher {
  const source = {
    sealingKey: () => keys[0],
    openingKey: async (id: Uint8Array) => keys.find((key) => bytesEqual(key.id, id)),
  }
  return new SharedKeyCipher({ topics, keys: source, memory, crypto })
}
