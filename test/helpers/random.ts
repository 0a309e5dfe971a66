/** A reproducible stream of numbers (mulberry32). Never for anything but tests. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * limit)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.uint32() & 0xff)
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] as T
  }
}

/** A copy with one to three bytes changed, removed, doubled or inserted. */
export function mutated(original: Uint8Array, random: SeededRandom): Uint8Array {
  const bytes = [...original]
  for (let edits = 1 + random.below(3); edits > 0; edits--) {
    const at = random.below(bytes.length + 1)
    switch (random.below(5)) {
      case 0:
        bytes[Math.min(at, Math.max(0, bytes.length - 1))] = random.below(256)
        break
      case 1:
        bytes.splice(at, 1)
        break
      case 2:
        bytes.splice(at, 0, random.below(256))
        break
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.below(9)))
        break
      default:
        bytes.length = Math.min(at, bytes.length)
    }
  }
  return Uint8Array.from(bytes)
}
