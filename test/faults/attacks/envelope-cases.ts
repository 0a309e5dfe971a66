import { nativeCrypto } from '../../../plugins/index.ts'
import {
  type CborValue,
  encodeCbor,
  externalAad,
  type KeyRestrictions,
  publishProtectedHeaders,
  type RefusalCause,
} from '../../../protocol/index.ts'
import { type Forgery, malleated } from '../../helpers/attacks.ts'
import { numberedKey, type TestKey } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

/** Keys of the table. All but the stranger are enrolled. */
export const keys = {
  device: numberedKey(101),
  /** By whose sessions the MACs are made, so that they say nothing against any envelope. */
  gateway: numberedKey(102),
  other: numberedKey(103),
  revoked: numberedKey(104),
  retired: numberedKey(105),
  elsewhere: numberedKey(106),
  ofOtherClients: numberedKey(107),
  ofOtherUsers: numberedKey(108),
  clockless: numberedKey(109),
  stranger: numberedKey(110),
} as const satisfies Record<string, TestKey>

/** Name and restrictions with which each is enrolled. */
export const enrolments: readonly (readonly [key: TestKey, name: string, restrictions?: KeyRestrictions])[] = [
  [keys.device, 'press-1'],
  [keys.gateway, 'gateway', { gateway: true }],
  [keys.other, 'lathe-1'],
  [keys.revoked, 'press-revoked'],
  [keys.retired, 'press-retired'],
  [keys.elsewhere, 'press-elsewhere', { topics: ['elsewhere/#'] }],
  [keys.ofOtherClients, 'press-cell', { clients: ['cell-*'] }],
  [keys.ofOtherUsers, 'press-anna', { users: ['anna'] }],
  [keys.clockless, 'press-clockless', { clock: 'none' }],
]

/** What an attack is made from. */
export interface Moment {
  readonly key: TestKey
  readonly topic: string
  /** Not used yet by the key. */
  readonly seq: number
  readonly nowMs: number
}

/** An envelope that must not be accepted, in whatever carrier and version. */
export interface EnvelopeAttack {
  readonly name: string
  /** `malformed`: it is no envelope at all, which an unprotected topic takes as an opaque payload. */
  readonly cause: RefusalCause | 'malformed'
  /** Default: the device. */
  readonly key?: TestKey
  /** Name of the policy under which it is refused. Default `signed`, and `mac` with a MAC around it. */
  readonly policy?: 'fresh' | 'named' | 'encrypted' | 'tls'
  readonly seq?: (seq: number) => number
  readonly timeMs?: (nowMs: number) => number
  readonly forgery?: (moment: Moment) => Forgery
}

const order = hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
const zero = new Uint8Array(32)
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)

/** Protected headers as they should be, with some replaced; undefined removes one. */
function headers({ key, seq, nowMs }: Moment, changes: readonly (readonly [number, CborValue | undefined])[]): Forgery {
  const map = new Map<number, CborValue>([
    [1, -9],
    [4, key.thumbprint.subarray(0, 8)],
    [-65537, [seq, nowMs]],
  ])
  for (const [label, value] of changes) {
    if (value === undefined) map.delete(label)
    else map.set(label, value)
  }
  return { protectedBytes: encodeCbor(map) }
}

/** Protected headers as they should be, with bytes of one more pair behind them. */
function withPair({ key, seq, nowMs }: Moment, ...pair: readonly Uint8Array[]): Forgery {
  const good = publishProtectedHeaders(key.thumbprint.subarray(0, 8), seq, nowMs)
  return { protectedBytes: concat(Buffer.from([(good[0] as number) + 1]), good.subarray(1), ...pair) }
}

const invalid = (name: string, forgery: EnvelopeAttack['forgery']): EnvelopeAttack => {
  return { name, cause: 'signature-invalid', ...(forgery && { forgery }) }
}
const withSignature = (name: string, changeSignature: NonNullable<Forgery['changeSignature']>) => {
  return invalid(name, () => ({ changeSignature }))
}
const malformed = (name: string, forgery: (moment: Moment) => Forgery): EnvelopeAttack => {
  return { name, cause: 'malformed', forgery }
}
const damaged = (name: string, damage: NonNullable<Forgery['damage']>) => malformed(name, () => ({ damage }))
const withAlg = (alg: number, name: string): EnvelopeAttack => {
  return { name: `algorithm ${name}`, cause: 'algorithm-not-allowed', forgery: (moment) => headers(moment, [[1, alg]]) }
}

/** Signatures that are not of this key over this topic, payload, number and time. */
const signatures: readonly EnvelopeAttack[] = [
  withSignature('a signature of random bytes', () => nativeCrypto.randomBytes(64)),
  withSignature('a signature of zeros', () => new Uint8Array(64)),
  withSignature('a signature with r = 0', (signature) => concat(zero, signature.subarray(32))),
  withSignature('a signature with s = 0', (signature) => concat(signature.subarray(0, 32), zero)),
  withSignature('a signature with r = n', (signature) => concat(order, signature.subarray(32))),
  withSignature('a signature with s = n', (signature) => concat(signature.subarray(0, 32), order)),
  withSignature('r and s exchanged', (signature) => concat(signature.subarray(32), signature.subarray(0, 32))),
  withSignature('the first bit of a high-S signature turned over', (signature) => {
    const changed = Uint8Array.from(malleated(signature))
    changed[0] = (changed[0] as number) ^ 0x80
    return changed
  }),
  invalid('signed by another enrolled key', () => ({ signedBy: keys.other })),
  invalid('signed by a key that nobody knows, under a known kid', () => ({ signedBy: keys.stranger })),
  invalid('another payload than the signed one', () => ({ signedPayload: Buffer.from('open the door') })),
  invalid('the right signature on the wrong topic', () => ({ signedTopic: 'signed/elsewhere' })),
  invalid('a topic that differs in its last slash', ({ topic }) => ({ signedTopic: `${topic}/` })),
  invalid('a signature under no context', () => ({ externalAad: new Uint8Array(0) })),
  invalid('a signature under the context of another version', ({ topic }) => {
    return { externalAad: encodeCbor(['notarymq/2', topic]) }
  }),
  invalid('a proof of possession as a publish', () => ({ externalAad: externalAad('$notary/enroll') })),
]

/** Who signs, when, and in which algorithm. */
const rules: readonly EnvelopeAttack[] = [
  withAlg(-35, 'ES384'),
  withAlg(-8, 'EdDSA'),
  withAlg(-47, 'ES256K'),
  withAlg(-257, 'RS256'),
  withAlg(5, 'HMAC 256/256'),
  { name: 'a key that nobody knows', cause: 'unknown-key', key: keys.stranger },
  {
    name: 'a kid that is longer and ends otherwise',
    cause: 'unknown-key',
    forgery: (moment) => headers(moment, [[4, concat(moment.key.thumbprint.subarray(0, 8), hex('00'))]]),
  },
  { name: 'a revoked key', cause: 'key-revoked', key: keys.revoked },
  { name: 'a retired key', cause: 'key-retired', key: keys.retired },
  { name: 'a key outside its topics', cause: 'key-restricted', key: keys.elsewhere },
  { name: 'a key on another client', cause: 'key-restricted', key: keys.ofOtherClients },
  { name: 'a key of a user that the client only claims to be', cause: 'key-restricted', key: keys.ofOtherUsers },
  { name: 'a key that the policy does not name', cause: 'key-not-allowed', key: keys.other, policy: 'named' },
  { name: 'a command that is too old', cause: 'not-fresh', policy: 'fresh', timeMs: (nowMs) => nowMs - 61_000 },
  { name: 'a command of a key without a clock', cause: 'not-fresh', policy: 'fresh', key: keys.clockless },
  { name: 'a command of tomorrow', cause: 'signed-in-future', policy: 'fresh', timeMs: (nowMs) => nowMs + 86_400_000 },
  { name: 'a publish of the future', cause: 'signed-in-future', timeMs: (nowMs) => nowMs + 330_000 },
  { name: 'a number set back below the window', cause: 'seq-too-old', seq: () => 1 },
  { name: 'a plain payload where a ciphertext is asked for', cause: 'not-encrypted', policy: 'encrypted' },
  { name: 'without TLS', cause: 'tls-required', policy: 'tls' },
]

/** What is no envelope, though it is signed properly: deterministic CBOR and the profile forbid it. */
const forms: readonly EnvelopeAttack[] = [
  malformed('a critical header that nobody knows', (moment) => headers(moment, [[2, [-70_000]]])),
  malformed('critical headers that are none', (moment) => headers(moment, [[2, []]])),
  malformed('alg twice', (moment) => withPair(moment, hex('01 28'))),
  malformed('kid twice', (moment) => withPair(moment, hex('04 48'), moment.key.thumbprint.subarray(0, 8))),
  malformed('number and time twice', (moment) => withPair(moment, hex('3a00010000 82 01 02'))),
  malformed('without number and time', (moment) => headers(moment, [[-65537, undefined]])),
  malformed('without alg', (moment) => headers(moment, [[1, undefined]])),
  malformed('without kid', (moment) => headers(moment, [[4, undefined]])),
  malformed('alg that is text', (moment) => headers(moment, [[1, 'ESP256']])),
  malformed('a kid of seven bytes', (moment) => headers(moment, [[4, moment.key.thumbprint.subarray(0, 7)]])),
  malformed('a kid of 33 bytes', (moment) => headers(moment, [[4, concat(moment.key.thumbprint, hex('00'))]])),
  malformed('a negative number', (moment) => headers(moment, [[-65537, [-1, moment.nowMs]]])),
  malformed('a third member beside number and time', (moment) => headers(moment, [[-65537, [moment.seq, 1, 1]]])),
  malformed('a number of 2^53', () => {
    const kid = keys.device.thumbprint.subarray(0, 8)
    return { protectedBytes: concat(hex('a3 01 28 04 48'), kid, hex('3a00010000 82 1b0020000000000000 02')) }
  }),
  malformed('a number that is a float', () => {
    const kid = keys.device.thumbprint.subarray(0, 8)
    return { protectedBytes: concat(hex('a3 01 28 04 48'), kid, hex('3a00010000 82 f93c00 02')) }
  }),
  malformed('a number in one byte more than it needs', () => {
    const kid = keys.device.thumbprint.subarray(0, 8)
    return { protectedBytes: concat(hex('a3 01 28 04 48'), kid, hex('3a00010000 82 1817 02')) }
  }),
  malformed('headers in another order', ({ key }) => {
    return { protectedBytes: concat(hex('a3 04 48'), key.thumbprint.subarray(0, 8), hex('01 28 3a00010000 82 01 02')) }
  }),
  malformed('a map of indefinite length', ({ key }) => {
    return {
      protectedBytes: concat(hex('bf 01 28 04 48'), key.thumbprint.subarray(0, 8), hex('3a00010000 82 01 02 ff')),
    }
  }),
  malformed('a byte behind the protected headers', (moment) => {
    const { protectedBytes = zero } = headers(moment, [])
    return { protectedBytes: concat(protectedBytes, hex('00')) }
  }),
  malformed('a protected header that is nested too deep', (moment) => {
    let nested: CborValue = 0
    for (let depth = 0; depth < 9; depth++) nested = [nested]
    return headers(moment, [[99, nested]])
  }),
  malformed('an unprotected header that is not 394', () => ({ unprotectedBytes: hex('a1 04 41 00') })),
  malformed('394 twice', () => ({ unprotectedBytes: hex('a2 19018a 81 41 00 19018a 81 41 00') })),
  malformed('394 beside another one', () => ({ unprotectedBytes: hex('a2 01 28 19018a 81 41 00') })),
  malformed('394 without a receipt', () => ({ unprotectedBytes: hex('a1 19018a 80') })),
  malformed('unprotected headers of indefinite length', () => ({ unprotectedBytes: hex('bf ff') })),
  malformed('a signature of 63 bytes', () => ({ changeSignature: (signature) => signature.subarray(1) })),
  malformed('a signature of 65 bytes', () => ({ changeSignature: (signature) => concat(signature, hex('00')) })),
  malformed('a signature in DER', () => ({ changeSignature: derOf })),
  damaged('a byte behind the end', (sign1) => concat(sign1, hex('00'))),
  damaged('twice', (sign1) => concat(sign1, sign1)),
  damaged('without its last byte', (sign1) => sign1.subarray(0, -1)),
  damaged('without its tag', (sign1) => sign1.subarray(1)),
  damaged('its tag in two bytes', (sign1) => concat(hex('d8 12'), sign1.subarray(1))),
  damaged('a tag on its tag', (sign1) => concat(hex('d2'), sign1)),
  damaged('the tag of self-described CBOR on its tag', (sign1) => concat(hex('d9 d9f7'), sign1)),
  damaged('the tag of a COSE_Mac0 instead of its own', (sign1) => concat(hex('d1'), sign1.subarray(1))),
  damaged('10,000 tags', (sign1) => concat(Buffer.alloc(10_000, 0xd2), sign1)),
  damaged('an array of indefinite length', (sign1) => concat(hex('d2 9f'), sign1.subarray(2), hex('ff'))),
  damaged('an array of five', (sign1) => concat(hex('d2 85'), sign1.subarray(2), hex('f6'))),
  damaged('its length in one byte more', (sign1) => concat(hex('d2 98 04'), sign1.subarray(2))),
  damaged('a protected header of 1 GB', () => hex('d2 84 5a 40000000 a3')),
  damaged('a protected header of 2^63 bytes', () => hex('d2 84 5b 8000000000000000 a3')),
  damaged('unprotected headers of a billion pairs', () => hex('d2 84 41 a0 ba 40000000 01 28')),
  damaged('an array of a billion', () => hex('d2 9a 40000000 41 a0')),
  damaged('a signature of 1 GB', (sign1) => concat(sign1.subarray(0, -66), hex('5a 40000000'), sign1.subarray(-64))),
  damaged('a signature of indefinite length', (sign1) => {
    return concat(sign1.subarray(0, -66), hex('5f'), sign1.subarray(-66), hex('ff'))
  }),
]

export const envelopeAttacks: readonly EnvelopeAttack[] = [...signatures, ...rules, ...forms]

/** ASN.1 DER of r || s; what it makes of leading zeros does not matter, as nobody reads it. */
function derOf(signature: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => concat(hex('02 21 00'), bytes)
  const content = concat(integer(signature.subarray(0, 32)), integer(signature.subarray(32)))
  return concat(hex('30'), Buffer.from([content.length]), content)
}
