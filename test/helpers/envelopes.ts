import {
  type CborValue,
  type CryptoProvider,
  type Envelope,
  encodeCbor,
  encodeSign1,
  externalAad,
  fromHex,
  isKidOf,
  ProtocolError,
  sigStructure,
  verifySign1,
} from '../../protocol/index.ts'
import { key11, type TestKey } from './keys.ts'
import { hex } from './vectors.ts'

/** The worked example of `formats.md` section 1.4: key "11", topic `plant/1/temp`, payload `21.5`, seq 1. */
export const example = {
  topic: 'plant/1/temp',
  payload: fromHex('32312e35'),
  seq: 1,
  timeMs: 1_767_225_600_000,
  protectedBytes: hex('a3 01 28 04 48 b71d9fc27ee9ce61 3a00010000 82 01 1b0000019b76daa800'),
  signature: hex(`
    773e8e5f0d825435f01ebbb59edf4938644d94915358710bb22496872eba5885
    66a88cb4857a8b7400ef4ef0d61356f990121bedd4bc154b47f9e286550612aa`),
  /** Session of the hop MACs. */
  session: { sid: hex('0102030405060708'), key: new Uint8Array(32).fill(0x0b) },
  /** Of the hop MAC around the attached envelope. */
  macTag: hex('be340f802fa0e5fa83134c5655673ed03456191bcf329ce8756969cfe037ed7a'),
  /** Of the hop MAC around the detached one. */
  detachedMacTag: hex('f6631a936d4dcc2c61ae779815db78508047e813456c693b06389b6c8ee4f3e6'),
} as const

/** The example as COSE_Sign1, 105 bytes. */
export const exampleSign1: Uint8Array = encodeSign1(
  { protectedBytes: example.protectedBytes, unprotectedBytes: hex('a0'), signature: example.signature },
  example.payload,
)

/** An envelope of key "11" with other parts than the profile has, signed properly all the same. */
export function signedEnvelope(
  parts: {
    readonly protectedHeaders?: ReadonlyMap<number | string, CborValue>
    readonly unprotected?: Uint8Array
    readonly payload?: Uint8Array
    readonly key?: TestKey
    readonly topic?: string
  },
  crypto: CryptoProvider,
): Uint8Array {
  const protectedBytes =
    parts.protectedHeaders === undefined ? example.protectedBytes : encodeCbor(parts.protectedHeaders)
  const payload = parts.payload ?? example.payload
  const toBeSigned = sigStructure(protectedBytes, externalAad(parts.topic ?? example.topic), payload)
  const signature = crypto.signP256(parts.key ?? key11, toBeSigned)
  return encodeSign1({ protectedBytes, unprotectedBytes: parts.unprotected ?? hex('a0'), signature }, payload)
}

/** Protected headers of the example with some replaced; undefined removes one. */
export function headersWith(
  changes: readonly (readonly [number | string, CborValue | undefined])[],
): ReadonlyMap<number | string, CborValue> {
  const headers = new Map<number | string, CborValue>([
    [1, -9],
    [4, key11.thumbprint.subarray(0, 8)],
    [-65537, [example.seq, example.timeMs]],
  ])
  for (const [label, value] of changes) {
    if (value === undefined) headers.delete(label)
    else headers.set(label, value)
  }
  return headers
}

/** What a broker that knows one key does with an envelope: resolves the kid, then verifies. */
export async function isGenuine(
  envelope: Envelope,
  topic: string,
  key: TestKey,
  crypto: CryptoProvider,
): Promise<boolean> {
  if (!isKidOf(envelope.kid, key.thumbprint)) return false
  try {
    await verifySign1(envelope.sign1, key, externalAad(topic), crypto, envelope.payload)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
