import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { fromBase64url } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** Bytes of a key: the first half signs, the second encrypts. */
export const fernetKeyBytes = 32

const version = 0x80
const timeAt = 1
const ivAt = 9
const ciphertextAt = 25
const blockBytes = 16
const macBytes = 32
const cipher = 'aes-128-cbc'

/** How old a token may be, and how far in the future, as one clock is ahead of the other; Python's is 60, too. */
const maxAgeSeconds = 60n
const maxSkewSeconds = 60n

/**
 * Makes a token of Fernet (github.com/fernet/spec): version, u64 time, IV, AES-128-CBC, HMAC-SHA256, in base64url.
 * @param key {@link fernetKeyBytes}, of which the other end's key is the base64url
 * @param nowMs milliseconds since 1970; a token has seconds
 */
export function sealFernet(key: Uint8Array, plaintext: Uint8Array, nowMs: number): string {
  const head = Buffer.alloc(ivAt)
  head[0] = version
  head.writeBigUInt64BE(secondsOf(nowMs), timeAt)
  const iv = randomBytes(blockBytes)
  const encrypt = createCipheriv(cipher, key.subarray(blockBytes), iv)
  const signed = Buffer.concat([head, iv, encrypt.update(plaintext), encrypt.final()])
  const base64 = Buffer.concat([signed, macOf(key, signed)]).toString('base64')
  return base64.replaceAll('+', '-').replaceAll('/', '_')
}

/**
 * What a token holds.
 * @param token attacker-controlled; its length is the caller's to bound
 * @throws {ClientError} ERR_FERNET_MALFORMED; ERR_FERNET_MAC: not by this key, or altered; ERR_FERNET_TIME: by this key,
 * but more than a minute old or ahead
 */
export function openFernet(key: Uint8Array, token: string, nowMs: number): Uint8Array {
  const bytes = Buffer.from(decoded(token))
  const encryptedBytes = bytes.length - ciphertextAt - macBytes
  if (bytes[0] !== version || encryptedBytes < blockBytes || encryptedBytes % blockBytes !== 0) {
    throw malformed('a token of another version or length')
  }
  const signed = bytes.subarray(0, -macBytes)
  // First of all: what follows speaks only of tokens by who has the key.
  if (!timingSafeEqual(macOf(key, signed), bytes.subarray(-macBytes))) {
    throw new ClientError('ERR_FERNET_MAC', 'the MAC of a token does not verify')
  }
  const ageSeconds = secondsOf(nowMs) - bytes.readBigUInt64BE(timeAt)
  if (ageSeconds > maxAgeSeconds || -ageSeconds > maxSkewSeconds) {
    const age = ageSeconds > 0n ? `${ageSeconds} s old` : `${-ageSeconds} s ahead`
    throw new ClientError('ERR_FERNET_TIME', `a token is ${age}: compare the clocks of both ends`)
  }
  const decrypt = createDecipheriv(cipher, key.subarray(blockBytes), bytes.subarray(ivAt, ciphertextAt))
  try {
    return Buffer.concat([decrypt.update(signed.subarray(ciphertextAt)), decrypt.final()])
  } catch (cause) {
    throw malformed('the padding of a token is wrong', cause)
  }
}

function macOf(key: Uint8Array, signed: Uint8Array): Buffer {
  return createHmac('sha256', key.subarray(0, blockBytes)).update(signed).digest()
}

/** base64url with its padding, and nothing else: several texts for one token would be several tokens. */
function decoded(token: string): Uint8Array {
  try {
    if (token.length % 4 !== 0) throw new RangeError('without its padding')
    return fromBase64url(token.replace(/={1,2}$/, ''))
  } catch (cause) {
    throw malformed('a token is not base64url', cause)
  }
}

function secondsOf(nowMs: number): bigint {
  return BigInt(Math.floor(nowMs / 1000))
}

function malformed(what: string, cause?: unknown): ClientError {
  return new ClientError('ERR_FERNET_MALFORMED', what, {}, cause)
}
