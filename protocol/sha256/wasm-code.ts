// What little of the WebAssembly binary format (W3C WebAssembly Core 2.0, section 5) one module needs. An expression is
// the code that leaves its value on the stack.

/** Bytes, put together as they come. */
export type Code = number | readonly Code[]

/** Number of a local variable. */
export type Local = number

export function bytesOf(code: Code): number[] {
  const bytes: number[] = []
  const add = (part: Code): void => {
    if (typeof part === 'number') bytes.push(part)
    else for (const inner of part) add(inner)
  }
  add(code)
  return bytes
}

/** LEB128, unsigned. */
export function unsigned(value: number): Code {
  return value < 0x80 ? value : [(value & 0x7f) | 0x80, unsigned(value >>> 7)]
}

/** LEB128, signed. */
function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40
  return isLast ? value & 0x7f : [(value & 0x7f) | 0x80, signed(value >> 7)]
}

export function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items]
}

/** Something with its length in front. */
export function sized(code: Code): Code {
  const bytes = bytesOf(code)
  return [unsigned(bytes.length), bytes]
}

export const get = (local: Local): Code => [0x20, unsigned(local)]
export const set = (local: Local, value: Code): Code => [value, 0x21, unsigned(local)]

/** Repeats the body while the condition, which is looked at behind it, is not 0. */
export const repeatWhile = (body: Code, condition: Code): Code => [0x03, 0x40, body, condition, 0x0d, 0, 0x0b]

/** Where something lies: the value of an address plus a constant. */
export interface Place {
  readonly at: Code
  readonly plus: number
}

const memoryArgument = ({ plus }: Place): Code => [0, unsigned(plus)]

export const i32 = {
  const: (value: number): Code => [0x41, signed(value)],
  load: (from: Place): Code => [from.at, 0x28, memoryArgument(from)],
  store: (to: Place, value: Code): Code => [to.at, value, 0x36, memoryArgument(to)],
  store8: (to: Place, value: Code): Code => [to.at, value, 0x3a, memoryArgument(to)],
  add: (a: Code, b: Code): Code => [a, b, 0x6a],
  sub: (a: Code, b: Code): Code => [a, b, 0x6b],
  shl: (a: Code, bits: number): Code => [a, i32.const(bits), 0x74],
  shr: (a: Code, bits: number): Code => [a, i32.const(bits), 0x76],
  /** The larger one, both unsigned. */
  max: (a: Code, b: Code): Code => [a, b, a, b, 0x4b, 0x1b],
  isLess: (a: Code, b: Code): Code => [a, b, 0x49],
}

const simd = (operation: number, immediate: Code = []): Code => [0xfd, unsigned(operation), immediate]

/** Four words of 32 bits side by side. */
export const v128 = {
  load: (from: Place): Code => [from.at, simd(0x00, memoryArgument(from))],
  store: (to: Place, value: Code): Code => [to.at, value, simd(0x0b, memoryArgument(to))],
  /** One word from memory, four times. */
  loadSplat: (from: Place): Code => [from.at, simd(0x09, memoryArgument(from))],
  splat: (value: number): Code => [i32.const(value), simd(0x11)],
  /** @param order 16 bytes: 0 to 15 are those of a, 16 to 31 those of b */
  shuffle: (a: Code, b: Code, order: readonly number[]): Code => [a, b, simd(0x0d, order)],
  and: (a: Code, b: Code): Code => [a, b, simd(0x4e)],
  or: (a: Code, b: Code): Code => [a, b, simd(0x50)],
  xor: (a: Code, b: Code): Code => [a, b, simd(0x51)],
  add: (a: Code, b: Code): Code => [a, b, simd(0xae)],
  shl: (a: Code, bits: number): Code => [a, i32.const(bits), simd(0xab)],
  shr: (a: Code, bits: number): Code => [a, i32.const(bits), simd(0xad)],
  /** All bits of the words in which a is larger, both signed. */
  isGreater: (a: Code, b: Code): Code => [a, b, simd(0x3b)],
}

/** Types of values. */
export const valueType = { i32: 0x7f, v128: 0x7b } as const

export interface ModuleParts {
  readonly memoryPages: number
  /** What lies in memory from address 0 on. */
  readonly data: Uint8Array
  /** A function without results. */
  readonly name: string
  /** Parameters, all i32; the first locals. */
  readonly parameters: number
  /** Locals behind the parameters: how many, of which type, in their order. */
  readonly locals: readonly (readonly [count: number, type: number])[]
  readonly body: Code
}

const text = (value: string): Code => vector([...value].map((character) => character.charCodeAt(0)))
const section = (id: number, content: Code): Code => [id, sized(content)]

/** A module that exports its memory as `memory` and one function. */
export function encodeModule({
  memoryPages,
  data,
  name,
  parameters,
  locals,
  body,
}: ModuleParts): Uint8Array<ArrayBuffer> {
  const parameterTypes = vector(Array.from({ length: parameters }, () => valueType.i32))
  const declared = vector(locals.map(([count, type]) => [unsigned(count), type]))
  return Uint8Array.from(
    bytesOf([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, vector([[0x60, parameterTypes, vector([])]])),
      section(3, vector([0])),
      section(5, vector([[0, unsigned(memoryPages)]])),
      section(
        7,
        vector([
          [text('memory'), 2, 0],
          [text(name), 0, 0],
        ]),
      ),
      section(10, vector([sized([declared, body, 0x0b])])),
      section(11, vector([[0, i32.const(0), 0x0b, vector([...data])]])),
    ]),
  )
}
