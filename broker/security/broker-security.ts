import type { RulesInForce } from '../../plugins/index.ts'
import { bridgeListenerName } from '../bridges/bridge-arrival.ts'
import type { BridgeOptions } from '../bridges/bridge-options.ts'
import type { ListenerOptions } from '../listeners/index.ts'
import type { SecurityOptions } from '../security-options.ts'
import { AccessRules, type AccessSettings } from './access-rules.ts'
import { FileSecurity } from './file-security.ts'
import { ListenerSecurity } from './listener-security.ts'
import type { Security } from './security.ts'

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
  /** What holds where a listener has no rules of its own. */
  readonly general: FileSecurity
  /** By place in the list of listeners. */
  readonly #ofListeners: readonly ListenerSecurity[]
  readonly #warn: (message: string) => void

  /** @throws {AuthenticationError} ERR_PASSWORD_FILE; {AccessControlError} ERR_ACL_* */
  constructor(options: BrokerSecurityOptions, inForce: Pick<RulesInForce, 'policy'>, warn: (message: string) => void) {
    this.#warn = warn
    this.general = new FileSecurity(generalOf(options), warn)
    this.#ofListeners = options.listeners.map((listener) => {
      const settings = ownOf(options, listener)
      return new ListenerSecurity(this.general, settings === undefined ? undefined : new FileSecurity(settings, warn))
    })
    this.rules = new AccessRules({
      general: this.general,
      ...accessSettingsOf(options),
      inForce,
      tlsBridges: new Set(
        options.bridges.filter(({ tls }) => tls !== undefined).map(({ name }) => bridgeListenerName(name)),
      ),
    })
  }

  /** @param index of the listener in the options */
  of(index: number): Security {
    return this.#ofListeners[index] ?? this.general
  }

  /** SHA-256 of the access control lists in force: the broker's, then those of listeners that have rules of their own. */
  get aclDigests(): readonly (Uint8Array | undefined)[] {
    const own = this.#ofListeners.flatMap((listener) => (listener.own === undefined ? [] : [listener.own.aclSha256]))
    return [this.general.aclSha256, ...own]
  }

  /**
   * Reads all files anew. Nothing has changed when that fails, nor before the function that is returned is called.
   * @param options with the same listeners in the same places
   * @throws as the constructor does
   */
  prepare(options: BrokerSecurityOptions): () => void {
    const commits = [this.general.prepare(generalOf(options))]
    for (const [index, listener] of this.#ofListeners.entries()) {
      const settings = ownOf(options, options.listeners[index])
      commits.push(this.#prepareOwn(listener, settings))
    }
    return () => {
      for (const commit of commits) commit()
      this.rules.apply(accessSettingsOf(options))
    }
  }

  #prepareOwn(listener: ListenerSecurity, settings: SecurityOptions | undefined): () => void {
    const { own } = listener
    if (own !== undefined && settings !== undefined) return own.prepare(settings)
    const next = settings === undefined ? undefined : new FileSecurity(settings, this.#warn)
    return () => {
      listener.own = next
      // Who is being checked by rules that are gone is refused, and comes again.
      own?.close().catch((error) => this.#warn(String(error)))
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.general, ...this.#ofListeners.map(({ own }) => own)].map((security) => security?.close()))
  }
}

/** What a listener says, and of the rest what the broker says; undefined where it says nothing. */
function ownOf(options: BrokerSecurityOptions, listener: ListenerOptions | undefined): SecurityOptions | undefined {
  return listener?.security === undefined ? undefined : { ...generalOf(options), ...listener.security }
}

function accessSettingsOf({ listeners, checkRetainSource }: BrokerSecurityOptions): AccessSettings {
  return { isPerListener: listeners.some(({ security }) => security !== undefined), checkRetainSource }
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
