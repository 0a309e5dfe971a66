import type { ClientAccess, PublishPolicy } from '../../plugins/index.ts'
import { isTlsListener } from '../listeners/listener-info.ts'
import type { ClientName, DeliveryRules, Reader } from '../sessions/delivery-rules.ts'
import type { Security } from './security.ts'

export interface AccessRulesOptions {
  /** Of listeners that have no rules of their own. */
  readonly general: Security
  /** Every listener has rules of its own. */
  readonly isPerListener: boolean
  /** Topics that ask for TLS. */
  readonly policy: Pick<PublishPolicy, 'hasTlsRules' | 'requiresTls'>
  /** Listeners of bridges whose remote end is reached over TLS. */
  readonly tlsBridges: ReadonlySet<string>
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

  readerOf(client: ClientName): Reader | undefined {
    const access = this.#accessOf(client)
    const { policy } = this.#options
    if (!policy.hasTlsRules || this.#isTls(client)) return access
    // A topic that is protected on one listener must not leak on another.
    return { mayRead: (topicName) => !policy.requiresTls(topicName) && (access?.mayRead(topicName) ?? true) }
  }

  /** A session whose listener is not known any more counts as one without. */
  #isTls({ listener }: ClientName): boolean {
    return listener !== undefined && (isTlsListener(listener) || this.#options.tlsBridges.has(listener))
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
