import { TopicNode } from './topic-node.ts'

/**
 * Values by path, a path being topic levels separated by `/`: topic names, or topic filters with `+` and `#` as levels
 * like any other. An empty level is a level [MQTT-5.0 4.7.1.1]. Nothing here recurses, so the number of levels is
 * bounded by the length of the path alone; a branch that holds no value any more is cut off.
 */
export class TopicTree<V extends NonNullable<unknown>> {
  /**
   * Paths that begin with `$` have a root of their own: a filter that begins with a wildcard never gets to see it
   * [MQTT-5.0 4.7.2-1], and a filter that begins with `$` covers nothing outside.
   */
  readonly #dollarRoot = new TopicNode<V>('')
  readonly #plainRoot = new TopicNode<V>('')
  #size = 0

  /** Number of paths that have a value. */
  get size(): number {
    return this.#size
  }

  /** Where the levels of a path, and of everything that may match it, begin. */
  rootOf(path: string): TopicNode<V> {
    return path.startsWith('$') ? this.#dollarRoot : this.#plainRoot
  }

  get(path: string): V | undefined {
    let node = this.rootOf(path)
    for (let start = 0; ; ) {
      const end = path.indexOf('/', start)
      const child = node.child(end === -1 ? path.slice(start) : path.slice(start, end))
      if (child === undefined) return undefined
      if (end === -1) return child.value
      node = child
      start = end + 1
    }
  }

  /** @returns what was there before */
  set(path: string, value: V): V | undefined {
    let node = this.rootOf(path)
    for (let start = 0; ; ) {
      const end = path.indexOf('/', start)
      node = node.addChild(end === -1 ? path.slice(start) : path.slice(start, end))
      if (end === -1) break
      start = end + 1
    }
    const previous = node.value
    node.value = value
    if (previous === undefined) this.#size++
    return previous
  }

  /** @returns what was there before */
  delete(path: string): V | undefined {
    let node = this.rootOf(path)
    // The lowest node that stays if the last one goes, and the level of its child on the path.
    let stays = node
    let cutLevel = ''
    for (let start = 0; ; ) {
      const end = path.indexOf('/', start)
      const level = end === -1 ? path.slice(start) : path.slice(start, end)
      const child = node.child(level)
      if (child === undefined) return undefined
      if (start === 0 || node.value !== undefined || node.childCount > 1) {
        stays = node
        cutLevel = level
      }
      node = child
      if (end === -1) break
      start = end + 1
    }
    const previous = node.value
    if (previous === undefined) return undefined
    node.value = undefined
    this.#size--
    if (node.childCount === 0) stays.deleteChild(cutLevel)
    return previous
  }
}
