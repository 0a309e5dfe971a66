import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { derTag } from '../../../broker/listeners/der.ts'

/** Writes certificates and lists that no tool makes. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...head), content])
}

export const sequence = (...parts: readonly Uint8Array[]) => der(derTag.sequence, ...parts)

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  const bytes = [first * 40n + second, ...rest].flatMap((number) => {
    const groups = [Number(number & 0x7fn)]
    for (let left = number >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80)
    return groups
  })
  return der(derTag.objectIdentifier, Buffer.from(bytes))
}

export const stringTag = { utf8: 12, printable: 19, teletex: 20, ia5: 22, universal: 28, bmp: 30 } as const

/** One attribute: its type in dotted notation, the tag of its value, and the bytes of that. */
export type Attribute = readonly [type: string, tag: number, value: string | Uint8Array]

/** A name of sets of attributes. Their order in a set is the caller's. */
export function nameOf(...sets: readonly (readonly Attribute[])[]): Buffer {
  const written = sets.map((set) =>
    der(
      derTag.set,
      ...set.map(([type, tag, value]) => sequence(objectIdentifier(type), der(tag, Buffer.from(value as string)))),
    ),
  )
  return sequence(...written)
}

export const commonNameOf = (name: string) => nameOf([['2.5.4.3', stringTag.utf8, name]])

export const utcTime = (timeMs: number) =>
  der(derTag.utcTime, Buffer.from(`${new Date(timeMs).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`))

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
const hourMs = 3_600_000

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export const newKeyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' })

export interface CertificateParts {
  readonly subject: Buffer
  readonly keys: KeyPair
  /** Default: itself. */
  readonly issuer?: { readonly subject: Buffer; readonly keys: KeyPair }
  readonly serialNumber?: number
  readonly isAuthority?: boolean
  readonly notAfterMs?: number
}

let serials = 0x20

/** A certificate of version 3, valid from an hour ago for two hours. */
export function certificateOf(parts: CertificateParts): X509Certificate {
  const { subject, keys, issuer = parts, serialNumber = ++serials, isAuthority = false } = parts
  const basicConstraints = sequence(
    objectIdentifier('2.5.29.19'),
    der(0x04, isAuthority ? sequence(der(0x01, Buffer.of(0xff))) : sequence()),
  )
  const body = sequence(
    der(derTag.explicit0, der(derTag.integer, Buffer.of(2))),
    der(derTag.integer, Buffer.of(serialNumber)),
    ecdsaWithSha256,
    issuer.subject,
    sequence(utcTime(Date.now() - hourMs), utcTime(parts.notAfterMs ?? Date.now() + hourMs)),
    subject,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(basicConstraints)),
  )
  return new X509Certificate(signed(body, issuer.keys))
}

export interface ListParts {
  readonly issuer: Buffer
  readonly keys: KeyPair
  readonly revoked?: readonly number[]
  readonly thisUpdateMs?: number
  readonly nextUpdateMs?: number | undefined
  readonly extensions?: readonly Buffer[]
  readonly algorithm?: Buffer
}

/** A revocation list of version 2, in DER. */
export function listOf(parts: ListParts): Buffer {
  const { issuer, keys, revoked = [], thisUpdateMs = Date.now() - hourMs, extensions = [] } = parts
  const nextUpdateMs = 'nextUpdateMs' in parts ? parts.nextUpdateMs : Date.now() + hourMs
  const entries = revoked.map((serial) => sequence(der(derTag.integer, Buffer.of(serial)), utcTime(thisUpdateMs)))
  const body = sequence(
    der(derTag.integer, Buffer.of(1)),
    parts.algorithm ?? ecdsaWithSha256,
    issuer,
    utcTime(thisUpdateMs),
    ...(nextUpdateMs === undefined ? [] : [utcTime(nextUpdateMs)]),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    ...(extensions.length === 0 ? [] : [der(derTag.explicit0, sequence(...extensions))]),
  )
  return signed(body, keys, parts.algorithm)
}

function signed(body: Buffer, { privateKey }: KeyPair, algorithm = ecdsaWithSha256): Buffer {
  return sequence(body, algorithm, der(derTag.bitString, Buffer.of(0), sign('sha256', body, privateKey)))
}

export const pemOf = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${(bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`
