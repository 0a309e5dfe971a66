const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a string. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The string that strictly valid UTF-8 bytes stand for. @throws {TypeError} when they are not UTF-8 */
export function fromUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes)
}

/** True when both hold the same bytes. Not constant-time: for public values only. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && rangesEqual(a, 0, b, 0, a.length)
}

/** As {@link bytesEqual}, for parts of both that have the same length. */
export function rangesEqual(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}

/** Bytewise lexicographic order, as RFC 8949 section 4.2.1 sorts map keys. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += hexDigits[byte]
  return out
}

/** @throws {RangeError} when the text is not an even number of hexadecimal digits */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) throw new RangeError('not hexadecimal')
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** base64url without padding (RFC 4648 section 5): how bytes travel in our JSON. */
export function toBase64url(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] as number) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const digits = Math.min(3, bytes.length - i) + 1
    for (let d = 0; d < digits; d++) out += base64Alphabet[(group >> (18 - 6 * d)) & 63]
  }
  return out
}

/** Value of the digit with this character code; 64 and above: none. */
const base64Digits = new Uint8Array(128).fill(64)
for (let digit = 0; digit < base64Alphabet.length; digit++) base64Digits[base64Alphabet.charCodeAt(digit)] = digit

/** Strict inverse of {@link toBase64url}. @throws {RangeError} on padding, other characters or stray bits */
export function fromBase64url(text: string): Uint8Array {
  const { length } = text
  const left = length % 4
  const whole = length - left
  const out = new Uint8Array((whole / 4) * 3 + (left === 0 ? 0 : left - 1))
  // Digits are or-ed together: one that is none leaves a bit above the sixth.
  let all = left === 1 ? 64 : 0
  let at = 0
  for (let i = 0; i < whole; i += 4) {
    const a = digitAt(text, i)
    const b = digitAt(text, i + 1)
    const c = digitAt(text, i + 2)
    const d = digitAt(text, i + 3)
    all |= a | b | c | d
    out[at++] = (a << 2) | (b >> 4)
    out[at++] = (b << 4) | (c >> 2)
    out[at++] = (c << 6) | d
  }
  if (left >= 2) {
    const a = digitAt(text, whole)
    const b = digitAt(text, whole + 1)
    const c = left === 3 ? digitAt(text, whole + 2) : 0
    out[at++] = (a << 2) | (b >> 4)
    if (left === 3) out[at] = (b << 4) | (c >> 2)
    // The bits that no byte takes must be 0.
    const stray = left === 3 ? c & 3 : b & 15
    all |= a | b | c | (stray === 0 ? 0 : 64)
  }
  if (all >= 64) throw new RangeError('not base64url')
  return out
}

function digitAt(text: string, index: number): number {
  return base64Digits[text.charCodeAt(index)] ?? 64
}
