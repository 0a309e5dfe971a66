import type { AclAccess } from './acl-file.ts'

/** What rules say about a topic, as bits: several rules may cover it. */
export const right = { read: 1, write: 2, deny: 4 } as const

const rightsOf: Readonly<Record<AclAccess, number>> = {
  read: right.read,
  write: right.write,
  readwrite: right.read | right.write,
  deny: right.deny,
}

/** One level of the filters of a set of rules. */
class RuleNode {
  /** By level as it is. */
  children: Map<string, RuleNode> | undefined
  /** The level `+`. */
  plus: RuleNode | undefined
  /** Levels that read differently for each client. */
  variables: { readonly index: number; readonly node: RuleNode }[] | undefined
  /** Of rules that end here. */
  rights = 0
  /** Of rules that end with `#` below here; it covers this level too [MQTT-5.0 4.7.1.2]. */
  rightsBelow = 0
}

/**
 * Rules by topic filter. What finding a topic costs depends on its levels and hardly on the number of rules, and what
 * one client is allowed needs no memory of its own: levels with variables are compared when a topic comes by.
 */
export class RuleTree {
  readonly #root = new RuleNode()
  readonly #variables: string[] = []
  readonly #nodes: RuleNode[] = []
  readonly #depths: number[] = []

  /** Levels that contain `%c` or `%u`, each once. */
  get variables(): readonly string[] {
    return this.#variables
  }

  /**
   * @param filter a valid topic filter
   * @param isPattern whether `%c` and `%u` are variables
   */
  add(filter: string, access: AclAccess, isPattern: boolean): void {
    const rights = rightsOf[access]
    let node = this.#root
    for (const level of filter.split('/')) {
      if (level === '#') {
        node.rightsBelow |= rights
        return
      }
      if (level === '+') {
        node.plus ??= new RuleNode()
        node = node.plus
      } else if (isPattern && /%[cu]/.test(level)) node = this.#variableOf(node, level)
      else node = childOf(node, level)
    }
    node.rights |= rights
  }

  /**
   * The rights that all rules that cover a topic give, together.
   * @param meanings of each variable: what it reads for one client. That may be several levels; undefined is none that
   *   a topic can have
   */
  rightsTo(topicLevels: readonly string[], meanings: readonly (readonly string[] | undefined)[] = []): number {
    const nodes = this.#nodes
    const depths = this.#depths
    const isDollar = (topicLevels[0] as string).startsWith('$')
    let rights = 0
    let depth: number | undefined = 0
    // Every node is reached on one way only, so this visits none twice.
    for (let node: RuleNode | undefined = this.#root; node !== undefined; ) {
      // Wildcards in the first level cover no topic that begins with `$` [MQTT-5.0 4.7.2-1].
      const isWildcardOpen = !isDollar || depth > 0
      if (isWildcardOpen) rights |= node.rightsBelow
      if (depth === topicLevels.length) rights |= node.rights
      else {
        const child = node.children?.get(topicLevels[depth] as string)
        if (child !== undefined) {
          nodes.push(child)
          depths.push(depth + 1)
        }
        if (node.plus !== undefined && isWildcardOpen) {
          nodes.push(node.plus)
          depths.push(depth + 1)
        }
        for (const variable of node.variables ?? none) {
          const levels = meanings[variable.index]
          if (levels === undefined || !isAt(topicLevels, depth, levels)) continue
          nodes.push(variable.node)
          depths.push(depth + levels.length)
        }
      }
      node = nodes.pop()
      depth = depths.pop() ?? 0
    }
    return rights
  }

  #variableOf(node: RuleNode, level: string): RuleNode {
    let index = this.#variables.indexOf(level)
    if (index === -1) index = this.#variables.push(level) - 1
    node.variables ??= []
    const known = node.variables.find((variable) => variable.index === index)
    if (known !== undefined) return known.node
    const added = { index, node: new RuleNode() }
    node.variables.push(added)
    return added.node
  }
}

const none: readonly never[] = []

function childOf(node: RuleNode, level: string): RuleNode {
  node.children ??= new Map()
  let child = node.children.get(level)
  if (child === undefined) {
    child = new RuleNode()
    node.children.set(level, child)
  }
  return child
}

function isAt(topicLevels: readonly string[], depth: number, levels: readonly string[]): boolean {
  for (const [index, level] of levels.entries()) if (level !== topicLevels[depth + index]) return false
  return true
}
