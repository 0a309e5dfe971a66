import type { MqttClient } from 'mqtt'
import {
  type ClientSession,
  keyExchangeResponseTopic,
  type P256PublicKey,
  type PendingKeyExchange,
  ProtocolError,
  requestTopic,
} from '../../protocol/index.ts'
import { askBroker } from '../ask-broker.ts'
import { ClientError } from '../errors.ts'

/**
 * Sends a request over MQTT and takes the answer.
 * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function runExchange(
  client: MqttClient,
  pending: PendingKeyExchange,
  brokerKey: P256PublicKey,
): Promise<ClientSession> {
  const answer = await askBroker(client, {
    requestTopic: requestTopic.keyExchange,
    responseTopic: keyExchangeResponseTopic(client.options.clientId as string),
    payload: pending.message,
  })
  return finishExchange(pending, answer, brokerKey)
}

/** @throws {ClientError} ERR_BROKER_UNPROVEN when the answer is not by this broker to this request */
export async function finishExchange(
  pending: PendingKeyExchange,
  answer: Uint8Array,
  brokerKey: P256PublicKey,
): Promise<ClientSession> {
  try {
    return await pending.finish(answer, brokerKey)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    const message = `the key exchange was not answered by the broker: ${cause.message}`
    throw new ClientError('ERR_BROKER_UNPROVEN', message, {}, cause)
  }
}
