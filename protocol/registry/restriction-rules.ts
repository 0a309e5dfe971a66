import type { KeyRestrictions } from '../record/index.ts'
import { defaultWindowSize } from '../replay/window.ts'
import { topicMatchesFilter } from '../topics/index.ts'
import { matchesPattern } from './pattern.ts'

/** Topics whose answer is remembered; a device publishes on few. */
const maxRemembered = 256

/** The restrictions of one key, ready to be asked on every publish. */
export class RestrictionRules {
  readonly restrictions: KeyRestrictions
  readonly windowSize: number
  /** Its sessions may carry what other keys signed. */
  readonly isGateway: boolean
  /** False: its signed time says nothing. */
  readonly hasClock: boolean
  readonly #topics = new Map<string, boolean>()

  constructor(restrictions: KeyRestrictions) {
    this.restrictions = restrictions
    this.windowSize = restrictions.window ?? defaultWindowSize
    this.isGateway = restrictions.gateway === true
    this.hasClock = restrictions.clock !== 'none'
  }

  maySignTopic(topic: string): boolean {
    const { topics } = this.restrictions
    if (topics === undefined) return true
    const remembered = this.#topics.get(topic)
    if (remembered !== undefined) return remembered
    const may = topics.some((filter) => topicMatchesFilter(topic, filter))
    if (this.#topics.size >= maxRemembered) this.#topics.clear()
    this.#topics.set(topic, may)
    return may
  }

  /** @param provenUsername undefined when the client has none, or only claims it */
  mayBeUsedBy(clientId: string, provenUsername: string | undefined): boolean {
    const { clients, users } = this.restrictions
    if (clients !== undefined && !clients.some((pattern) => matchesPattern(clientId, pattern))) return false
    if (users === undefined) return true
    return provenUsername !== undefined && users.some((pattern) => matchesPattern(provenUsername, pattern))
  }
}

/** Of every key that is not restricted. */
export const unrestricted = new RestrictionRules({})
