import type { Rate } from '../../plugins/index.ts'
import type { EdgeLimits } from '../edge/edge-handler.ts'
import type { ListenerOptions } from '../listeners/index.ts'
import type { ResolvedBrokerOptions } from '../options.ts'
import type { Security } from '../security/security.ts'

/** What holds for the clients of one listener. */
export interface ListenerRules {
  readonly limits: EdgeLimits
  readonly security: Security
  /** A client's id is its username, whatever it says (`use_username_as_clientid`). */
  readonly useUsernameAsClientId: boolean
  /** Signatures and MACs that may turn out invalid on one connection; a burst of 0: any number. */
  readonly failureBudget: Rate
  /** Publishes taken from one connection; undefined: as many as come. */
  readonly publishRate: Rate | undefined
}

/** What a listener says, and of the rest what the broker says. */
export function listenerRulesOf(
  options: ResolvedBrokerOptions,
  listener: Partial<ListenerOptions>,
  security: Security,
): ListenerRules {
  const limits = {
    maximumPacketSize: options.maxPacketSize,
    receiveMaximum: options.maxInflightMessages,
    topicAliasMaximum: listener.maxTopicAlias ?? options.maxTopicAlias,
    topicAliasMaximumOut: options.maxTopicAliasBroker,
    maxKeepAliveSeconds: options.maxKeepaliveSeconds,
    retainAvailable: options.retainAvailable,
    maximumQos: listener.maximumQos ?? options.maximumQos,
    protocolVersions: listener.acceptProtocolVersions ?? ([3, 4, 5] as const),
  }
  const { failureBudget, publishRate } = options
  const useUsernameAsClientId = listener.useUsernameAsClientId ?? false
  return { limits, security, useUsernameAsClientId, failureBudget, publishRate }
}
