import type { PublishPolicy } from '../../plugins/index.ts'
import { bridgeListenerName } from '../bridges/bridge-arrival.ts'
import type { BridgeOptions } from '../bridges/bridge-options.ts'
import type { ListenerOptions } from '../listeners/index.ts'
import type { SecurityOptions } from '../security-options.ts'
import { AccessRules } from './access-rules.ts'
import { Security } from './security.ts'

/** The part of the broker's options that this is about. */
export interface BrokerSecurityOptions {
  readonly allowAnonymous: boolean
  readonly passwordFile: string | undefined
  readonly aclFile: string | undefined
  readonly allowZeroLengthClientId: boolean
  readonly autoIdPrefix: string
  readonly checkRetainSource: boolean
  readonly listeners: readonly ListenerOptions[]
  readonly bridges: readonly Pick<BridgeOptions, 'name' | 'tls'>[]
}

/** Security of the broker, and of each listener that has its own. */
export class BrokerSecurity {
  readonly rules: AccessRules
  readonly #general: Security
  /** By place in the list of listeners; undefined: the general one. */
  readonly #ofListeners: readonly (Security | undefined)[]

  /** @throws {AuthenticationError} ERR_PASSWORD_FILE; {AccessControlError} ERR_ACL_* */
  constructor(options: BrokerSecurityOptions, policy: PublishPolicy, warn: (message: string) => void) {
    this.#general = new Security(generalOf(options), warn)
    this.#ofListeners = options.listeners.map(({ security }) => {
      return security === undefined ? undefined : new Security({ ...generalOf(options), ...security }, warn)
    })
    this.rules = new AccessRules({
      general: this.#general,
      isPerListener: this.#ofListeners.some((security) => security !== undefined),
      checkRetainSource: options.checkRetainSource,
      policy,
      tlsBridges: new Set(
        options.bridges.filter(({ tls }) => tls !== undefined).map(({ name }) => bridgeListenerName(name)),
      ),
    })
  }

  /** @param index of the listener in the options */
  of(index: number): Security {
    return this.#ofListeners[index] ?? this.#general
  }

  /**
   * Reads all files anew. Nothing has changed when that fails, nor before the function that is returned is called.
   * Listeners themselves are not among what may change: those in the new options are taken by their place.
   * @throws as the constructor does
   */
  prepare(options: BrokerSecurityOptions): () => void {
    const commits = [this.#general.prepare(generalOf(options))]
    for (const [index, own] of this.#ofListeners.entries()) {
      const settings = { ...generalOf(options), ...options.listeners[index]?.security }
      if (own !== undefined) commits.push(own.prepare(settings))
    }
    return () => {
      for (const commit of commits) commit()
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#general, ...this.#ofListeners].map((security) => security?.close()))
  }
}

function generalOf(options: BrokerSecurityOptions): SecurityOptions {
  const { allowAnonymous, passwordFile, aclFile, allowZeroLengthClientId, autoIdPrefix } = options
  return {
    allowAnonymous,
    allowZeroLengthClientId,
    autoIdPrefix,
    ...(passwordFile === undefined ? undefined : { passwordFile }),
    ...(aclFile === undefined ? undefined : { aclFile }),
  }
}
