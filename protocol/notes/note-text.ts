import { fromBase64url, fromUtf8, toBase64url } from '../bytes.ts'
import { hashBytes } from '../merkle/index.ts'

// What the textual formats of C2SP have in common: UTF-8 lines that end in LF, base64 and decimal numbers.

/** A text as it came: decoded already, or bytes that should be UTF-8. */
export type TextInput = string | Uint8Array

/** Largest text of any of these formats; 16 signatures of post-quantum keys take about 110,000 bytes. */
export const maxTextBytes = 256 * 1024

/**
 * The text, when it is UTF-8, not beyond {@link maxTextBytes} and holds no control character below U+0020 but LF and
 * what `alsoAllowed` names.
 */
export function checkedText(input: TextInput, alsoAllowed = ''): string | undefined {
  if (input.length > maxTextBytes) return undefined
  const text = typeof input === 'string' ? input : decoded(input)
  if (text === undefined || /\p{Surrogate}/u.test(text)) return undefined
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x20 && text[i] !== '\n' && !alsoAllowed.includes(text[i] as string)) return undefined
  }
  return text
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

/** Base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  const digits = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=')
}

/** Strict inverse of {@link toBase64}: undefined for other alphabets, missing padding and stray bits. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  try {
    return fromBase64url(text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'))
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** The hash that a line is, 32 bytes. */
export function hashOfLine(line: string): Uint8Array | undefined {
  const hash = fromBase64(line)
  return hash?.length === hashBytes ? hash : undefined
}

/** Hashes as lines, each with its LF. */
export function hashLines(hashes: readonly Uint8Array[]): string {
  return hashes.map((hash) => `${toBase64(hash)}\n`).join('')
}

/** Inverse of {@link hashLines}, without the last LF; undefined when a line is no hash, or there are more than `most`. */
export function hashesOfLines(lines: readonly string[], most: number): Uint8Array[] | undefined {
  if (lines.length > most) return undefined
  const hashes = lines.flatMap((line) => hashOfLine(line) ?? [])
  return hashes.length === lines.length ? hashes : undefined
}

/** Decimal without leading zeros, below 2^64: sizes, indexes and times. */
export function parseDecimal(text: string): bigint | undefined {
  if (!/^(?:0|[1-9][0-9]{0,19})$/.test(text)) return undefined
  const value = BigInt(text)
  return value < 1n << 64n ? value : undefined
}

/** What follows the keyword and one space on a line that begins with them. */
export function afterKeyword(line: string | undefined, keyword: string): string | undefined {
  return line?.startsWith(`${keyword} `) ? line.slice(keyword.length + 1) : undefined
}
