import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { test } from 'node:test'
import { decode, encode, rfc8949EncodeOptions, Tagged, Tokenizer, Type } from 'cborg'
import fc from 'fast-check'
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  maxDepth,
  ProtocolError,
  type ProtocolErrorCode,
  toHex,
} from '../../../protocol/index.ts'
import { cborValue, fcSeed } from '../../helpers/arbitraries.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'

// cborg with everything admitted that ours refuses on purpose, so that each refusal has to be explained.
const strict = {
  strict: true,
  useMaps: true,
  allowIndefinite: false,
  rejectDuplicateMapKeys: true,
  allowUndefined: true,
  allowBigInt: true,
  tags: { 16: Tagged.decoder(16), 17: Tagged.decoder(17), 18: Tagged.decoder(18) },
}

/** What ours refuses although it is well-formed, deterministic CBOR, by the code it gives. */
const documented: Partial<Record<ProtocolErrorCode, readonly string[]>> = {
  ERR_CBOR_UNSUPPORTED: ['float', 'tag', 'undefined', 'beyond 2^53', 'map key'],
  ERR_CBOR_TOO_DEEP: ['depth'],
  ERR_CBOR_NOT_DETERMINISTIC: ['key order'],
  ERR_CBOR_NOT_UTF8: ['not UTF-8'],
}

test('agrees with cborg (strict) on 30,000 random, typical and mutated inputs, or differs for a documented reason', () => {
  const random = new SeededRandom(fcSeed)
  const originals = fc.sample(cborValue(3), { seed: fcSeed, numRuns: 300 }).map(encodeCbor)
  const met = new Map<string, number>()
  for (let i = 0; i < 30_000; i++) {
    const input = generate(random, originals)
    const outcome = compare(input)
    met.set(outcome, (met.get(outcome) ?? 0) + 1)
  }
  // The generator has to reach every branch of the comparison, or agreement means nothing.
  for (const outcome of ['accepted', 'refused by both', ...Object.values(documented).flat()]) {
    assert.ok((met.get(outcome) ?? 0) >= 5, `${outcome}: met ${met.get(outcome) ?? 0} times`)
  }
})

function compare(input: Uint8Array): string {
  const ours = attempt(() => decodeCbor(input))
  const theirs = attempt(() => decode(input, strict) as CborValue)
  if (ours.error !== undefined && !(ours.error instanceof ProtocolError)) throw ours.error
  if (ours.error === undefined) {
    assert.equal(theirs.error, undefined, `only ours accepts ${toHex(input)}: ${theirs.error}`)
    // cborg drops a byte order mark at the start of a text; ours keeps it, since two texts would become one.
    if (!toHex(input).includes('efbbbf')) {
      assert.deepEqual(plain(theirs.value), plain(ours.value), toHex(input))
      assert.equal(toHex(encode(theirs.value, rfc8949EncodeOptions)), toHex(input))
    }
    return 'accepted'
  }
  if (theirs.error !== undefined) return 'refused by both'
  const reasons = reasonsToRefuse(input)
  const reason = documented[ours.error.code]?.find((candidate) => reasons.has(candidate))
  assert.ok(reason !== undefined, `${ours.error.code} for ${toHex(input)}, which has ${[...reasons]}`)
  return reason
}

/** Found out from the tokens of cborg alone. */
function reasonsToRefuse(input: Uint8Array): Set<string> {
  const reasons = new Set<string>()
  const tokens = new Tokenizer(input, { ...strict, retainStringBytes: true })
  const readItem = (depth: number, isKey: boolean): void => {
    const token = tokens.next()
    const { type } = token
    if (isKey && type !== Type.uint && type !== Type.negint && type !== Type.string) reasons.add('map key')
    if (type === Type.float) reasons.add('float')
    else if (type === Type.undefined) reasons.add('undefined')
    else if (typeof token.value === 'bigint') reasons.add('beyond 2^53')
    else if (type === Type.string && token.byteValue !== undefined && !isUtf8(token.byteValue)) reasons.add('not UTF-8')
    else if (type === Type.tag) {
      reasons.add('tag')
      readItem(depth, false)
    } else if (type === Type.array || type === Type.map) {
      if (depth >= maxDepth) reasons.add('depth')
      let previousKey: Uint8Array | undefined
      for (let i = 0; i < token.value; i++) {
        if (type === Type.map) {
          const start = tokens.pos()
          readItem(depth + 1, true)
          const key = input.subarray(start, tokens.pos())
          if (previousKey !== undefined && Buffer.compare(previousKey, key) > 0) reasons.add('key order')
          previousKey = key
        }
        readItem(depth + 1, false)
      }
    }
  }
  readItem(0, false)
  return reasons
}

/** A third each: bytes at random, items of every kind put together at random, encodings of ours with some bytes changed. */
function generate(random: SeededRandom, originals: readonly Uint8Array[]): Uint8Array {
  switch (random.below(3)) {
    case 0:
      return random.bytes(1 + random.below(12))
    case 1:
      return Uint8Array.from([...wrappers(random), ...randomItem(random, 0)])
    default:
      return mutated(originals[random.below(originals.length)] as Uint8Array, random)
  }
}

/** Now and then a nest of arrays around the item, about as deep as is admitted. */
function wrappers(random: SeededRandom): number[] {
  return random.below(8) === 0 ? new Array(random.below(maxDepth + 3)).fill(0x81) : []
}

/** Mostly well-formed and shortest-form items; types, key types and key order are not watched. */
function randomItem(random: SeededRandom, depth: number): number[] {
  const kind = random.below(depth > 5 ? 8 : 16)
  if (kind < 3) return [random.below(2) * 0x20 + random.below(24)]
  if (kind === 3) return [0x18 + random.below(2) * 0x20, 20 + random.below(236)]
  if (kind === 4) return [0x1b + random.below(2) * 0x20, 0, random.below(48), ...random.bytes(6)]
  if (kind === 5) return [0x61 - 0x20 * random.below(2), random.below(random.below(8) === 0 ? 256 : 128)]
  if (kind === 6) return [random.pick([0xf4, 0xf5, 0xf6, 0xf7])]
  if (kind === 7) return random.below(4) === 0 ? [0xf9, 0x3c, random.below(256)] : [0x60]
  if (kind === 8) return [0xd0 + random.below(4), ...randomItem(random, depth + 1)]
  if (kind < 13) {
    const count = kind < 11 ? 1 : random.below(4)
    return [0x80 + count, ...Array.from({ length: count }, () => randomItem(random, depth + 1)).flat()]
  }
  const pairs = random.below(4)
  return [0xa0 + pairs, ...Array.from({ length: 2 * pairs }, () => randomItem(random, depth + 1)).flat()]
}

function attempt<T>(run: () => T): { readonly value?: T; readonly error?: unknown } {
  try {
    return { value: run() }
  } catch (error) {
    return { error }
  }
}

/** The same shape whatever class the byte strings have. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `h'${toHex(value)}'`
  if (value instanceof Map) return [...value].map(([key, item]) => ({ key, item: plain(item) }))
  if (Array.isArray(value)) return value.map(plain)
  return value
}
