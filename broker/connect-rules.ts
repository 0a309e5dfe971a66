import type { ConnectPacket } from 'aedes'
import { detachedProperty, type PublishPolicy } from '../plugins/index.ts'
import { isBrokerTopic, parseAttachedEnvelope } from '../protocol/index.ts'

/**
 * Whether a CONNECT may bring this will. What the will could not do when it fires is refused now, when its client can
 * still be told.
 * @returns why not, or undefined
 */
export function checkWill(will: ConnectPacket['will'], policy: PublishPolicy): string | undefined {
  if (will === undefined) return undefined
  const { topic, properties } = will
  // [MQTT-5.0 3.3.2-2]: a Topic Name has no wildcards; the engine would store and publish it (engine row 9).
  if (topic === '' || /[+#\0]/.test(topic)) return 'the will topic is not a topic name'
  if (isBrokerTopic(topic)) return 'only the broker publishes to the will topic'
  if (policy.requiresSignature(topic)) return 'the will topic asks for a signature, which wills cannot carry yet'
  const isSigned = properties?.userProperties !== undefined && detachedProperty in properties.userProperties
  if (isSigned || parseAttachedEnvelope(Buffer.from(will.payload)) !== undefined) {
    return 'signed wills are not supported yet'
  }
  return undefined
}
