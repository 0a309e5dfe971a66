import fc from 'fast-check'
import { authKinds, type CborKey, type CborValue, outcomes } from '../../protocol/index.ts'

/** Every property test starts from this seed, so that a failure in CI is a failure everywhere. */
export const fcSeed = 20_260_101

/** Text that UTF-8 can carry: any code points but halves of surrogate pairs. */
export const wellFormedText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

export const bytes = (maxLength = 40): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })

export const bytesOf = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

/** Integers of the codec, with the borders between head forms well represented. */
export const safeInteger: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 300 }),
  fc
    .tuple(fc.constantFrom(23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000), fc.boolean())
    .map(([value, negative]) => (negative ? -1 - value : value)),
)

/** Lengths and numbers that are never negative. */
export const unsigned: fc.Arbitrary<number> = safeInteger.map((value) => Math.abs(value))

const cborKey: fc.Arbitrary<CborKey> = fc.oneof(safeInteger, fc.string({ maxLength: 30 }))

/** Values of the codec's data model, nested up to `depth` levels. */
export function cborValue(depth: number): fc.Arbitrary<CborValue> {
  const scalar: fc.Arbitrary<CborValue> = fc.oneof(
    safeInteger,
    wellFormedText,
    bytes(),
    fc.boolean(),
    fc.constant(null),
  )
  if (depth === 0) return scalar
  const inner = cborValue(depth - 1)
  return fc.oneof(
    { weight: 2, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(inner, { maxLength: 5 }) },
    { weight: 1, arbitrary: cborMap(cborKey, inner) },
  )
}

/** Maps with unique keys. */
export function cborMap<K extends CborKey>(
  key: fc.Arbitrary<K>,
  value: fc.Arbitrary<CborValue>,
): fc.Arbitrary<ReadonlyMap<K, CborValue>> {
  return fc.array(fc.tuple(key, value), { maxLength: 5 }).map((pairs) => new Map(pairs))
}

/** A word of one of the vocabularies of records. */
export const wordOf = <Word extends string>(vocabulary: Readonly<Record<Word, number>>): fc.Arbitrary<Word> =>
  fc.constantFrom(...(Object.keys(vocabulary) as [Word, ...Word[]]))

/** Fields of records: who published where, and what became of it. */
export const publishFields = {
  timeMs: unsigned,
  topic: wellFormedText,
  clientId: wellFormedText,
  username: wellFormedText,
  auth: wordOf(authKinds),
  listener: wellFormedText,
  qos: fc.constantFrom(0, 1, 2),
  retain: fc.boolean(),
  payloadSha256: bytesOf(32),
  payloadSize: unsigned,
  outcome: wordOf(outcomes),
}
