import type { ClientAccess, RulesInForce } from '../../plugins/index.ts'
import { isTlsListener } from '../listeners/listener-info.ts'
import type { ClientName, DeliveryRules, Reader } from '../sessions/delivery-rules.ts'
import type { Security } from './security.ts'

/** What a reload may change, beside the rules themselves. */
export interface AccessSettings {
  /** Listeners have rules of their own. */
  readonly isPerListener: boolean
  /** Ask again, at delivery, whether who published a retained message might publish it now. */
  readonly checkRetainSource: boolean
}

export interface AccessRulesOptions extends AccessSettings {
  /** Of listeners that have no rules of their own. */
  readonly general: Security
  /** Whose policy says which topics ask for TLS. */
  readonly inForce: Pick<RulesInForce, 'policy'>
  /** Listeners of bridges whose remote end is reached over TLS. */
  readonly tlsBridges: ReadonlySet<string>
}

/** What the listeners of bridges' local ends are named like; those of sockets are URLs. Bridges may everything. */
const bridgeListener = 'bridge:'

/** Of a session whose listener is not there any more, where each has its own list. */
const nothing: ClientAccess = { mayRead: () => false, mayWrite: () => false }

/** The security of every listener, by the name that records give it. */
export class AccessRules implements DeliveryRules {
  readonly #options: AccessRulesOptions
  readonly #ofListeners = new Map<string, Security>()
  #settings: AccessSettings

  constructor(options: AccessRulesOptions) {
    this.#options = options
    this.#settings = options
  }

  /** These hold from now on. */
  apply(settings: AccessSettings): void {
    this.#settings = settings
  }

  /** What holds for the clients of a listener. */
  set(listener: string, security: Security): void {
    this.#ofListeners.set(listener, security)
  }

  /** What a client may do; undefined: everything, as there is no list for it, or as it is a bridge. */
  accessOf({ clientId, username, listener }: ClientName): ClientAccess | undefined {
    if (listener?.startsWith(bridgeListener)) return undefined
    if (!this.#settings.isPerListener) return this.#options.general.accessOf(clientId, username)
    const own = listener === undefined ? undefined : this.#ofListeners.get(listener)
    return own === undefined ? nothing : own.accessOf(clientId, username)
  }

  readerOf(client: ClientName): Reader | undefined {
    const access = this.accessOf(client)
    const { inForce } = this.#options
    if (!inForce.policy.hasTlsRules || this.#isTls(client)) return access
    // A topic that is protected on one listener must not leak on another.
    return { mayRead: (topicName) => !inForce.policy.requiresTls(topicName) && (access?.mayRead(topicName) ?? true) }
  }

  /** A session whose listener is not known any more counts as one without. */
  #isTls({ listener }: ClientName): boolean {
    return listener !== undefined && (isTlsListener(listener) || this.#options.tlsBridges.has(listener))
  }

  mayHavePublished(client: ClientName, topicName: string): boolean {
    if (!this.#settings.checkRetainSource) return true
    return this.accessOf(client)?.mayWrite(topicName) ?? true
  }

  mayWrite(client: ClientName, topicName: string): boolean {
    return this.accessOf(client)?.mayWrite(topicName) ?? true
  }
}
