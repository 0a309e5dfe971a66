/** One level of a path: what is kept at the path that ends here, and the levels below. */
export class TopicNode<V> {
  readonly level: string
  value: V | undefined = undefined
  /**
   * The only child, or a Map of children. Most levels have one child (`sensors/<id>/state`), and a Map costs as much
   * memory as everything else of a topic together. A Map also takes levels named `__proto__` as ordinary.
   */
  #below: TopicNode<V> | Map<string, TopicNode<V>> | undefined = undefined

  constructor(level: string) {
    this.level = level
  }

  get childCount(): number {
    if (this.#below === undefined) return 0
    return this.#below instanceof TopicNode ? 1 : this.#below.size
  }

  child(level: string): TopicNode<V> | undefined {
    const below = this.#below
    if (below === undefined) return undefined
    if (below instanceof TopicNode) return below.level === level ? below : undefined
    return below.get(level)
  }

  /** In the order in which they were added. Children may be added and deleted while this is in use. */
  children(): Iterator<TopicNode<V>, undefined> {
    const below = this.#below
    if (below === undefined) return [].values()
    return below instanceof TopicNode ? [below].values() : below.values()
  }

  /** The child of that level, added when there is none. */
  addChild(level: string): TopicNode<V> {
    const known = this.child(level)
    if (known !== undefined) return known
    const child = new TopicNode<V>(level)
    const below = this.#below
    if (below === undefined) this.#below = child
    else if (below instanceof TopicNode) {
      this.#below = new Map([
        [below.level, below],
        [level, child],
      ])
    } else below.set(level, child)
    return child
  }

  deleteChild(level: string): void {
    const below = this.#below
    if (below === undefined) return
    if (below instanceof TopicNode) {
      if (below.level === level) this.#below = undefined
      return
    }
    below.delete(level)
    if (below.size === 0) this.#below = undefined
  }
}
