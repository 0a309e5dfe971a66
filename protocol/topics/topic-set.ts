import { levelsCover } from './topic-filter.ts'

/** Beyond this many topics a memory starts over, unless it was given another bound. */
const manyTopics = 10_000
/** Longer ones are asked about again each time: a topic may have 65,535 bytes, and clients choose it. */
const maxRememberedLength = 256

/** Remembers what was found out about topics; bounded, whatever clients publish on. */
export class TopicMemory<Answer> {
  readonly #answers = new Map<string, Answer>()
  readonly #maxRemembered: number

  constructor(maxRemembered = manyTopics) {
    this.#maxRemembered = maxRemembered
  }

  /** @param find called where the answer is not remembered */
  of(topic: string, find: (topic: string) => Answer): Answer {
    const remembered = this.#answers.get(topic)
    if (remembered !== undefined) return remembered
    const answer = find(topic)
    if (topic.length <= maxRememberedLength) {
      if (this.#answers.size >= this.#maxRemembered) this.#answers.clear()
      this.#answers.set(topic, answer)
    }
    return answer
  }
}

/** The topics that some filters cover, for what is asked about every publish. */
export class TopicSet {
  readonly #filters: readonly (readonly string[])[]
  readonly #memory: TopicMemory<boolean>
  readonly #find = (topic: string) => this.#filters.some((levels) => levelsCover(levels, topic))

  /** @param filters valid topic filters @param maxRemembered topics whose answer is kept */
  constructor(filters: readonly string[], maxRemembered?: number) {
    this.#filters = filters.map((filter) => filter.split('/'))
    this.#memory = new TopicMemory(maxRemembered)
  }

  get isEmpty(): boolean {
    return this.#filters.length === 0
  }

  has(topic: string): boolean {
    return !this.isEmpty && this.#memory.of(topic, this.#find)
  }
}
