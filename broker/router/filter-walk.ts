import type { TopicNode } from './topic-node.ts'

/** Children still to be visited, and what of the filter is left for them. */
interface Frame<V> {
  readonly nodes: Iterator<TopicNode<V>>
  /** Number of levels of the filter used up when one of `nodes` is reached; `wholeBranch` below a `#`. */
  readonly depth: number
}

const wholeBranch = -1

/**
 * Visits the values of a tree of topic names that a topic filter covers, one per `next()`. A level of the filter that is
 * not a wildcard is looked up, never searched for.
 *
 * The tree may change in between: a value that is removed before it is reached does not appear, one that is put in may.
 */
export class FilterWalk<V> implements IterableIterator<V> {
  readonly #levels: readonly string[]
  readonly #maxVisits: number
  readonly #frames: Frame<V>[] = []
  #visits = 0

  /**
   * @param root root of the part of the tree to which the filter belongs (`TopicTree.rootOf`)
   * @param maxVisits number of nodes after which the walk ends without having seen everything
   */
  constructor(root: TopicNode<V>, topicFilter: string, maxVisits = Number.POSITIVE_INFINITY) {
    this.#levels = topicFilter.split('/')
    this.#maxVisits = maxVisits
    this.#frames.push({ nodes: [root].values(), depth: 0 })
  }

  /** Nodes visited so far, those without a value and those not covered included. */
  get visits(): number {
    return this.#visits
  }

  /** Whether the walk ended before its end. */
  get isExhausted(): boolean {
    return this.#visits > this.#maxVisits
  }

  next(): IteratorResult<V, undefined> {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      const { done, value: node } = frame.nodes.next()
      if (done === true) this.#frames.pop()
      else {
        const value = this.#enter(node, frame.depth)
        if (this.isExhausted) this.#frames.length = 0
        else if (value !== undefined) return { done: false, value }
      }
    }
    return { done: true, value: undefined }
  }

  [Symbol.iterator](): this {
    return this
  }

  /** @returns the value of the node where the filter ends on the way down from here, if there is one */
  #enter(from: TopicNode<V>, fromDepth: number): V | undefined {
    let node = from
    this.#visits++
    if (fromDepth === wholeBranch) return this.#enterBranch(node)
    for (let depth = fromDepth; depth < this.#levels.length; depth++) {
      const level = this.#levels[depth]
      if (level === '#') return this.#enterBranch(node)
      if (level === '+') {
        this.#frames.push({ nodes: node.children(), depth: depth + 1 })
        return undefined
      }
      const child = level === undefined ? undefined : node.child(level)
      if (child === undefined) return undefined
      node = child
      this.#visits++
    }
    return node.value
  }

  /** `#` covers the level above it too [MQTT-5.0 4.7.1.2]. */
  #enterBranch(node: TopicNode<V>): V | undefined {
    if (node.childCount > 0) this.#frames.push({ nodes: node.children(), depth: wholeBranch })
    return node.value
  }
}
