import { lanesModule, layout, maxDataBytes, maxMessageBytes, maxMessages } from './lanes-module.ts'
import { partOf } from './part-of.ts'

const digestBytes = 32

/** As much of WebAssembly as is used here. */
export interface WebAssemblyEngine {
  validate(module: Uint8Array): boolean
  readonly Module: new (module: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

interface LanesExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  hash(places: number, digests: number, groups: number): void
}

/** SHA-256 of many messages at once: four at a time, in one call for all. */
export class Sha256Lanes {
  readonly #exports: LanesExports
  readonly #memory: Uint8Array
  /** Of each message its address and its length. */
  readonly #places: Uint32Array

  private constructor(exports: LanesExports) {
    this.#exports = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
    this.#places = new Uint32Array(exports.memory.buffer, layout.places, 2 * maxMessages)
  }

  /** @returns undefined where there is no WebAssembly, or none with vectors */
  static open(engine: WebAssemblyEngine | undefined): Sha256Lanes | undefined {
    const module = lanesModule()
    if (engine?.validate(module) !== true) return undefined
    return new Sha256Lanes(new engine.Instance(new engine.Module(module)).exports as LanesExports)
  }

  /**
   * See `CryptoProvider.sha256Each`.
   * @param hashLong takes those that are too long for it
   */
  hashEach(
    data: Uint8Array,
    starts: ArrayLike<number>,
    lengths: ArrayLike<number>,
    hashLong: (message: Uint8Array) => Uint8Array,
  ): Uint8Array {
    const digests = new Uint8Array(lengths.length * digestBytes)
    for (let done = 0; done < lengths.length; ) {
      const count = this.#take(data, starts, lengths, done)
      if (count > 0) {
        this.#exports.hash(layout.places, layout.digests, Math.ceil(count / 4))
        const made = this.#memory.subarray(layout.digests, layout.digests + count * digestBytes)
        digests.set(made, done * digestBytes)
        done += count
      } else {
        digests.set(hashLong(partOf(data, starts[done] as number, lengths[done] as number)), done * digestBytes)
        done++
      }
    }
    return digests
  }

  /**
   * Copies messages from `first` on, with what lies between them, as far as they fit in memory together, and says where
   * they are then. @returns how many
   */
  #take(data: Uint8Array, starts: ArrayLike<number>, lengths: ArrayLike<number>, first: number): number {
    const from = starts[first] as number
    let end = from
    let count = 0
    for (; first + count < lengths.length && count < maxMessages; count++) {
      const start = starts[first + count] as number
      const length = lengths[first + count] as number
      if (length > maxMessageBytes || start < from || start + length - from > maxDataBytes) break
      this.#places[2 * count] = layout.data + start - from
      this.#places[2 * count + 1] = length
      if (start + length > end) end = start + length
    }
    // Of none behind the last, to fill up the four.
    for (let i = count; i % 4 !== 0; i++) this.#places[2 * i + 1] = 0
    if (count > 0) this.#memory.set(partOf(data, from, end - from), layout.data)
    return count
  }
}
