import { lanesModule, layout, maxDataBytes, maxMessageBytes, maxMessages } from './lanes-module.ts'

const digestBytes = 32

/** As much of WebAssembly as is used here. */
export interface WebAssemblyEngine {
  validate(module: Uint8Array): boolean
  readonly Module: new (module: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

interface LanesExports {
  readonly memory: { readonly buffer: ArrayBuffer }
  hash(lengths: number, data: number, digests: number, groups: number): void
}

/** SHA-256 of many messages at once: four at a time, in one call for all. */
export class Sha256Lanes {
  readonly #exports: LanesExports
  readonly #memory: Uint8Array
  readonly #lengths: Uint32Array

  private constructor(exports: LanesExports) {
    this.#exports = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
    this.#lengths = new Uint32Array(exports.memory.buffer, layout.lengths, maxMessages)
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
    messages: Uint8Array,
    lengths: readonly number[],
    hashLong: (message: Uint8Array) => Uint8Array,
  ): Uint8Array {
    const digests = new Uint8Array(lengths.length * digestBytes)
    let at = 0
    for (let done = 0; done < lengths.length; ) {
      const { count, bytes } = this.#takeLengths(lengths, done)
      if (count > 0) {
        this.#memory.set(messages.subarray(at, at + bytes), layout.data)
        this.#exports.hash(layout.lengths, layout.data, layout.digests, Math.ceil(count / 4))
        const made = this.#memory.subarray(layout.digests, layout.digests + count * digestBytes)
        digests.set(made, done * digestBytes)
        done += count
        at += bytes
      } else {
        const length = lengths[done] as number
        digests.set(hashLong(messages.subarray(at, at + length)), done * digestBytes)
        done++
        at += length
      }
    }
    return digests
  }

  /** The lengths of those from `first` on that fit in memory together, and of none behind them, to fill up the four. */
  #takeLengths(lengths: readonly number[], first: number): { count: number; bytes: number } {
    let bytes = 0
    let count = 0
    for (; first + count < lengths.length && count < maxMessages; count++) {
      const length = lengths[first + count] as number
      if (length > maxMessageBytes || bytes + length > maxDataBytes) break
      this.#lengths[count] = length
      bytes += length
    }
    this.#lengths.fill(0, count, Math.min(count + 3, maxMessages))
    return { count, bytes }
  }
}
