import { type Code, encodeModule, get, i32, type Local, repeatWhile, set, v128, valueType } from './wasm-code.ts'

// SHA-256 (FIPS 180-4) of four messages at a time, one in each word of a vector, as a WebAssembly module. Between
// node:crypto and OpenSSL a hash of 65 bytes costs four times what the hashing itself does; here nothing lies between.

/** The longest message that has a place in memory. */
export const maxMessageBytes = 4096
/** Messages that are hashed in one call, at most. */
export const maxMessages = 1024
/** Bytes of all messages of one call with what lies between them, at most. */
export const maxDataBytes = 64 * 1024

const blockBytes = 64
const wordsPerBlock = 16
const rounds = 64
const lanes = [0, 1, 2, 3] as const
/** What is behind a message in its last block at least: a byte, and its length in bits. */
const minPaddingBytes = 9

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
// biome-ignore format: a table
const roundConstants = Uint32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
)

/** Those of the square roots of the first 8 primes. */
// biome-ignore format: a table
const initialState = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]

/** Room for one message with its padding. */
const slotBytes = maxMessageBytes + 2 * blockBytes
const blockCountsAt = roundConstants.byteLength
const slotsAt = 1024
/** Of one message. */
const placeBytes = 8

/** Where in memory what lies. */
export const layout = {
  /** Of each message its address and its length, 32 bits each. */
  places: slotsAt + lanes.length * slotBytes,
  /** What the messages are parts of. */
  data: slotsAt + lanes.length * slotBytes + placeBytes * maxMessages,
  /** Their digests, side by side. */
  digests: slotsAt + lanes.length * slotBytes + placeBytes * maxMessages + maxDataBytes,
} as const

// The function and its variables. Groups of four messages: their number is given, at least one.
const [places, digests, groups] = [0, 1, 2] as const
const [length, blocks, mostBlocks, at, constants, source] = [3, 4, 5, 6, 7, 8] as const
const firstVector = 9
const vectors = (from: number, count: number): Local[] =>
  Array.from({ length: count }, (_, i) => firstVector + from + i)
const state = vectors(0, 8)
const working = vectors(8, 8)
const schedule = vectors(16, wordsPerBlock)
const temporary = vectors(32, 5)
const [blockCounts = 0, blocksDone = 0, bXorC = 0] = vectors(37, 3)
const vectorCount = 40

const wordAt = <T>(list: readonly T[], index: number): T => list[index % list.length] as T
const slotOf = (lane: number): number => slotsAt + lane * slotBytes
const { add, and, shl, shr, xor } = v128
const rotate = (value: Code, bits: number): Code => v128.or(shr(value, bits), shl(value, 32 - bits))
const xor3 = (a: Code, b: Code, c: Code): Code => xor(xor(a, b), c)

/** FIPS 180-4 section 4.1.2. */
const bigSigma0 = (x: Code): Code => xor3(rotate(x, 2), rotate(x, 13), rotate(x, 22))
const bigSigma1 = (x: Code): Code => xor3(rotate(x, 6), rotate(x, 11), rotate(x, 25))
const smallSigma0 = (x: Code): Code => xor3(rotate(x, 7), rotate(x, 18), shr(x, 3))
const smallSigma1 = (x: Code): Code => xor3(rotate(x, 17), rotate(x, 19), shr(x, 10))
const choose = (e: Code, f: Code, g: Code): Code => xor(g, and(e, xor(f, g)))

/** Big-endian words to little-endian ones, and back. */
const swapBytes = (value: Code): Code =>
  v128.shuffle(value, value, [3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12])
/** @param order 0 to 3 are the words of a, 4 to 7 those of b */
const shuffleWords = (a: Local, b: Local, order: readonly number[]): Code =>
  v128.shuffle(
    get(a),
    get(b),
    order.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]),
  )

/** Four words of each of four messages to four messages of each of four words, or back. */
function transpose(from: readonly Code[], to: readonly Local[]): Code {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = temporary
  return [
    from.map((value, i) => set(wordAt(temporary, i), value)),
    set(e, shuffleWords(a, b, [0, 4, 1, 5])),
    set(a, shuffleWords(a, b, [2, 6, 3, 7])),
    set(b, shuffleWords(c, d, [0, 4, 1, 5])),
    set(c, shuffleWords(c, d, [2, 6, 3, 7])),
    set(wordAt(to, 0), shuffleWords(e, b, [0, 1, 4, 5])),
    set(wordAt(to, 1), shuffleWords(e, b, [2, 3, 6, 7])),
    set(wordAt(to, 2), shuffleWords(a, c, [0, 1, 4, 5])),
    set(wordAt(to, 3), shuffleWords(a, c, [2, 3, 6, 7])),
  ]
}

const vectorBytes = 16
/** Of the vectors that cover what is behind a message in its last block, or last two, wherever it ends. */
const paddingVectors = [0, 1, 2, 3, 4]

/**
 * The message to its slot, with what FIPS 180-4 section 5.1.1 puts behind it. By whole vectors, beyond its end: what copies
 * a few bytes exactly is called, and takes longer than hashing a short message.
 */
function pad(lane: number): Code {
  const slot = slotOf(lane)
  const end = i32.shl(get(blocks), 6)
  return [
    set(length, i32.load({ at: get(places), plus: placeBytes * lane + 4 })),
    set(blocks, i32.shr(i32.add(get(length), i32.const(minPaddingBytes + blockBytes - 1)), 6)),
    set(source, i32.load({ at: get(places), plus: placeBytes * lane })),
    set(at, i32.const(0)),
    repeatWhile(
      [
        v128.store({ at: get(at), plus: slot }, v128.load({ at: i32.add(get(source), get(at)), plus: 0 })),
        set(at, i32.add(get(at), i32.const(vectorBytes))),
      ],
      i32.isLess(get(at), get(length)),
    ),
    paddingVectors.map((i) => v128.store({ at: get(length), plus: slot + i * vectorBytes }, v128.splat(0))),
    i32.store8({ at: get(length), plus: slot }, i32.const(0x80)),
    // The length in bits has 16 of them at most.
    i32.store8({ at: end, plus: slot - 2 }, i32.shr(get(length), 5)),
    i32.store8({ at: end, plus: slot - 1 }, i32.shl(get(length), 3)),
    i32.store({ at: i32.const(0), plus: blockCountsAt + 4 * lane }, get(blocks)),
    set(mostBlocks, i32.max(get(mostBlocks), get(blocks))),
  ]
}

/** FIPS 180-4 section 6.2.2, step 3. The eight variables are not moved on: they have other names in the next round. */
function round(t: number): Code {
  const variable = (name: number): Local => wordAt(working, name + rounds - t)
  const [a, b, d, e, f, g, h] = [0, 1, 3, 4, 5, 6, 7].map((name) => get(variable(name))) as [
    Code,
    Code,
    Code,
    Code,
    Code,
    Code,
    Code,
  ]
  const [t1 = 0, aXorB = 0] = temporary
  const word = add(get(wordAt(schedule, t)), v128.loadSplat({ at: get(constants), plus: 4 * (t % wordsPerBlock) }))
  return [
    set(t1, add(add(add(h, bigSigma1(e)), choose(e, f, g)), word)),
    set(variable(3), add(d, get(t1))),
    set(aXorB, xor(a, b)),
    // The majority of a, b and c; b and c were a and b in the round before.
    set(variable(7), add(add(get(t1), bigSigma0(a)), xor(b, and(get(aXorB), get(bXorC))))),
    set(bXorC, get(aXorB)),
  ]
}

/** Step 1, in the place of the word that is not needed any more. */
function nextWord(t: number): Code {
  const word = (i: number): Code => get(wordAt(schedule, i))
  return set(
    wordAt(schedule, t),
    add(add(word(t), smallSigma0(word(t + 1))), add(word(t + 9), smallSigma1(word(t + 14)))),
  )
}

const roundsOfBlock = Array.from({ length: wordsPerBlock }, (_, t) => t)

/** The block that begins at `at` in every slot. A message that has ended keeps its state. */
const compress: Code = [
  [0, 4, 8, 12].map((word) => {
    const loaded = lanes.map((lane) => swapBytes(v128.load({ at: get(at), plus: slotOf(lane) + 4 * word })))
    return transpose(loaded, schedule.slice(word, word + 4))
  }),
  working.map((variable, i) => set(variable, get(wordAt(state, i)))),
  set(bXorC, xor(get(wordAt(state, 1)), get(wordAt(state, 2)))),
  set(constants, i32.const(0)),
  roundsOfBlock.map(round),
  repeatWhile(
    [
      set(constants, i32.add(get(constants), i32.const(4 * wordsPerBlock))),
      roundsOfBlock.map((t) => [nextWord(t), round(t)]),
    ],
    i32.isLess(get(constants), i32.const(4 * (rounds - wordsPerBlock))),
  ),
  set(wordAt(temporary, 0), v128.isGreater(get(blockCounts), get(blocksDone))),
  state.map((variable, i) => {
    return set(variable, add(get(variable), and(get(wordAt(working, i)), get(wordAt(temporary, 0)))))
  }),
]

const body: Code = repeatWhile(
  [
    set(mostBlocks, i32.const(0)),
    lanes.map(pad),
    set(blockCounts, v128.load({ at: i32.const(0), plus: blockCountsAt })),
    state.map((variable, i) => set(variable, v128.splat(wordAt(initialState, i)))),
    set(blocksDone, v128.splat(0)),
    set(at, i32.const(0)),
    repeatWhile(
      [
        compress,
        set(blocksDone, add(get(blocksDone), v128.splat(1))),
        set(at, i32.add(get(at), i32.const(blockBytes))),
        set(mostBlocks, i32.sub(get(mostBlocks), i32.const(1))),
      ],
      get(mostBlocks),
    ),
    [0, 4].map((word) => [
      transpose(
        state.slice(word, word + 4).map((variable) => swapBytes(get(variable))),
        schedule,
      ),
      lanes.map((lane) => v128.store({ at: get(digests), plus: 32 * lane + 4 * word }, get(wordAt(schedule, lane)))),
    ]),
    set(places, i32.add(get(places), i32.const(placeBytes * lanes.length))),
    set(digests, i32.add(get(digests), i32.const(32 * lanes.length))),
    set(groups, i32.sub(get(groups), i32.const(1))),
  ],
  get(groups),
)

const pageBytes = 64 * 1024

/** Exports `hash(places, digests, groups of four)`. */
export function lanesModule(): Uint8Array<ArrayBuffer> {
  return encodeModule({
    memoryPages: Math.ceil((layout.digests + 32 * maxMessages) / pageBytes),
    data: new Uint8Array(roundConstants.buffer),
    name: 'hash',
    parameters: 3,
    locals: [
      [6, valueType.i32],
      [vectorCount, valueType.v128],
    ],
    body,
  })
}
