import type { ClientAccess } from '../../plugins/index.ts'
import type { ClientName, DeliveryRules } from '../sessions/delivery-rules.ts'
import type { Security } from './security.ts'

export interface AccessRulesOptions {
  /** Of listeners that have no rules of their own. */
  readonly general: Security
  /** Every listener has rules of its own. */
  readonly isPerListener: boolean
  /** Ask again, at delivery, whether who published a retained message might publish it now. */
  readonly checkRetainSource: boolean
}

/** What the listeners of bridges' local ends are named like; those of sockets are URLs. Bridges may everything. */
const bridgeListener = 'bridge:'

/** Of a session whose listener is not there any more, where each has its own list. */
const nothing: ClientAccess = { mayRead: () => false, mayWrite: () => false }

/** The security of every listener, by the name that records give it. */
export class AccessRules implements DeliveryRules {
  readonly #options: AccessRulesOptions
  readonly #ofListeners = new Map<string, Security>()

  constructor(options: AccessRulesOptions) {
    this.#options = options
  }

  /** A listener has rules of its own. */
  set(listener: string, security: Security): void {
    this.#ofListeners.set(listener, security)
  }

  readerOf(client: ClientName): ClientAccess | undefined {
    return this.#accessOf(client)
  }

  mayHavePublished(client: ClientName, topicName: string): boolean {
    if (!this.#options.checkRetainSource) return true
    return this.#accessOf(client)?.mayWrite(topicName) ?? true
  }

  mayWrite(client: ClientName, topicName: string): boolean {
    return this.#accessOf(client)?.mayWrite(topicName) ?? true
  }

  #accessOf({ clientId, username, listener }: ClientName): ClientAccess | undefined {
    if (listener?.startsWith(bridgeListener)) return undefined
    const { general, isPerListener } = this.#options
    if (!isPerListener) return general.accessOf(clientId, username)
    const own = listener === undefined ? undefined : this.#ofListeners.get(listener)
    return own === undefined ? nothing : own.accessOf(clientId, username)
  }
}
