import type { KeyRestrictions } from '../record/index.ts'
import { defaultWindowSize } from '../replay/window.ts'
import { TopicSet } from '../topics/index.ts'
import { matchesPattern } from './pattern.ts'

/** A device publishes on few topics, and there may be many keys. */
const maxRememberedTopics = 256

/** The restrictions of one key, ready to be asked on every publish. */
export class RestrictionRules {
  readonly restrictions: KeyRestrictions
  readonly windowSize: number
  /** Its sessions may carry what other keys signed. */
  readonly isGateway: boolean
  /** False: its signed time says nothing. */
  readonly hasClock: boolean
  /** Undefined: any topic. */
  readonly #topics: TopicSet | undefined

  constructor(restrictions: KeyRestrictions) {
    this.restrictions = restrictions
    this.windowSize = restrictions.window ?? defaultWindowSize
    this.isGateway = restrictions.gateway === true
    this.hasClock = restrictions.clock !== 'none'
    this.#topics =
      restrictions.topics === undefined ? undefined : new TopicSet(restrictions.topics, maxRememberedTopics)
  }

  maySignTopic(topic: string): boolean {
    return this.#topics === undefined || this.#topics.has(topic)
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
