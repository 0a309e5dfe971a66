import type { UsageMemory } from './ports.ts'

/** Counted at once, so that a message does not wait for the disk; a crash leaves the rest of a block unused. */
const block = 1024

/** Sees to it that no key encrypts more messages than it may. */
export class UsageCounter {
  readonly #memory: UsageMemory
  /** Messages that are counted already and not encrypted yet, by name of the key. */
  readonly #left = new Map<string, number>()

  constructor(memory: UsageMemory) {
    this.#memory = memory
  }

  /** To be awaited before each encryption. @throws {ClientError} ERR_KEY_EXHAUSTED */
  async take(keyName: string): Promise<void> {
    if (this.#use(keyName)) return
    await this.#memory.countEncryptions(keyName, block)
    this.#left.set(keyName, (this.#left.get(keyName) ?? 0) + block)
    this.#use(keyName)
  }

  #use(keyName: string): boolean {
    const left = this.#left.get(keyName) ?? 0
    if (left > 0) this.#left.set(keyName, left - 1)
    return left > 0
  }
}
