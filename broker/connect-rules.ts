import { detachedProperty, type PublishPolicy } from '../plugins/index.ts'
import { isBrokerTopic, parseAttachedEnvelope } from '../protocol/index.ts'
import type { Will } from './edge/index.ts'

/**
 * Whether a CONNECT may bring this will. What the will could not do when it fires is refused now, when its client can
 * still be told.
 * @returns why not, or undefined
 */
export function checkWill(will: Will | undefined, policy: PublishPolicy): string | undefined {
  if (will === undefined) return undefined
  const { topic, properties, payload } = will
  if (isBrokerTopic(topic)) return 'only the broker publishes to the will topic'
  if (policy.requiresSignature(topic)) return 'the will topic asks for a signature, which wills cannot carry yet'
  const isSigned = properties?.userProperties?.some(([name]) => name === detachedProperty) === true
  if (isSigned || parseAttachedEnvelope(payload) !== undefined) return 'signed wills are not supported yet'
  return undefined
}
