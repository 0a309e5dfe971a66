import { concatBytes } from '../bytes.ts'

/** What the encryption is made of; each side brings its own. */
export interface Pbes2Primitives {
  readonly randomBytes: (length: number) => Uint8Array
  /** PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2). */
  readonly pbkdf2Sha256: (passphrase: string, salt: Uint8Array, iterations: number, length: number) => Uint8Array
  /** AES-256-CBC with PKCS #7 padding (RFC 8018 appendix B.2.5). */
  readonly aes256Cbc: (key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array) => Uint8Array
}

/** What guessing a passphrase costs: about half a second for each guess on one core. OpenSSL's own default is 2048. */
const iterations = 600_000
const saltBytes = 16
const ivBytes = 16
const keyBytes = 32

const tag = { integer: 0x02, octets: 0x04, sequence: 0x30 } as const

// Object identifiers, each with its own tag and length, and what stands beside it always.
const pbes2 = Uint8Array.of(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d)
const pbkdf2 = Uint8Array.of(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c)
const hmacWithSha256 = Uint8Array.of(0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09, 0x05, 0x00)
const aes256Cbc = Uint8Array.of(0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a)

/**
 * Protects a private key by a passphrase: EncryptedPrivateKeyInfo (RFC 5958) with PBES2 (RFC 8018), PBKDF2 and
 * AES-256-CBC, which OpenSSL and whatever builds on it read.
 * @param privateKeyInfo PKCS #8 in DER
 * @returns PEM (RFC 7468)
 */
export function encryptPrivateKey(privateKeyInfo: Uint8Array, passphrase: string, primitives: Pbes2Primitives): string {
  const salt = primitives.randomBytes(saltBytes)
  const iv = primitives.randomBytes(ivBytes)
  const key = primitives.pbkdf2Sha256(passphrase, salt, iterations, keyBytes)
  const parameters = sequence(der(tag.octets, salt), der(tag.integer, unsigned(iterations)), sequence(hmacWithSha256))
  const scheme = sequence(sequence(pbkdf2, parameters), sequence(aes256Cbc, der(tag.octets, iv)))
  const encrypted = der(tag.octets, primitives.aes256Cbc(key, iv, privateKeyInfo))
  return pem('ENCRYPTED PRIVATE KEY', sequence(sequence(pbes2, scheme), encrypted))
}

/** Whether a PEM text needs a passphrase: PKCS #8, or the older form of OpenSSL. */
export function isEncryptedPem(text: string): boolean {
  return text.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || /^Proc-Type: *4,ENCRYPTED/m.test(text)
}

/** Longest passphrase, in bytes. */
const maxPassphraseBytes = 1024

/**
 * The passphrase that a file holds: its first line, which has to be its only one.
 * @returns undefined when there is none, or it is too long
 */
export function parsePassphrase(content: Uint8Array): string | undefined {
  if (content.length > maxPassphraseBytes) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
  const line = text.replace(/\r?\n$/, '')
  return line === '' || /[\r\n]/.test(line) ? undefined : line
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(tag.sequence, concatBytes(...parts))
}

/** One element (ITU-T X.690 section 8.1), definite length in its shortest form. */
function der(type: number, content: Uint8Array): Uint8Array {
  const { length } = content
  const lengthBytes = length < 0x80 ? [length] : [0x80 + unsigned(length).length, ...unsigned(length)]
  return concatBytes(Uint8Array.of(type, ...lengthBytes), content)
}

/** Big-endian, without leading zeros. As an INTEGER only right where the first bit is clear. */
function unsigned(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Uint8Array.from(bytes)
}

const pemLineLength = 64

function pem(label: string, content: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...content))
  const lines = base64.match(new RegExp(`.{1,${pemLineLength}}`, 'g')) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
