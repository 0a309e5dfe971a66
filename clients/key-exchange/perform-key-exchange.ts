import type { MqttClient } from 'mqtt'
import {
  type ClientSession,
  keyExchangeResponseTopic,
  nobleCrypto,
  type P256PublicKey,
  ProtocolError,
  requestTopic,
  startKeyExchange,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { askBroker } from '../ask-broker.ts'
import { ClientError } from '../errors.ts'
import { type Identity, reserveSequenceNumber } from '../identity/index.ts'

/** Whom to agree with, and when it is. */
export interface KeyExchangeSettings {
  /** The key that the broker is known by. */
  readonly brokerKey: P256PublicKey
  /** Milliseconds since 1970. Default: the clock. */
  readonly timeMs?: number
}

/** A request that is ready to be sent. */
export function startExchange(identity: Identity, clientId: string, { brokerKey, timeMs }: KeyExchangeSettings) {
  const brokerThumbprint = thumbprintOfP256(brokerKey, nobleCrypto)
  const seq = reserveSequenceNumber(identity.path)
  return startKeyExchange(identity, { clientId, seq, timeMs: timeMs ?? Date.now(), brokerThumbprint }, nobleCrypto)
}

/** @throws {ClientError} ERR_BROKER_UNPROVEN when the answer is not by this broker to this request */
export async function finishExchange(
  pending: ReturnType<typeof startExchange>,
  answer: Uint8Array,
  { brokerKey }: KeyExchangeSettings,
): Promise<ClientSession> {
  try {
    return await pending.finish(answer, brokerKey)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new ClientError(
      'ERR_BROKER_UNPROVEN',
      `the key exchange was not answered by the broker: ${cause.message}`,
      {},
      cause,
    )
  }
}

/**
 * Agrees on a session key for hop MACs over MQTT topics. Uses up one sequence number of the key.
 * @throws {ClientError} ERR_SEQUENCE_FILE, ERR_BROKER_UNPROVEN, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function performKeyExchange(
  client: MqttClient,
  identity: Identity,
  settings: KeyExchangeSettings,
): Promise<ClientSession> {
  const clientId = client.options.clientId as string
  const pending = startExchange(identity, clientId, settings)
  const answer = await askBroker(client, {
    requestTopic: requestTopic.keyExchange,
    responseTopic: keyExchangeResponseTopic(clientId),
    payload: pending.message,
  })
  return finishExchange(pending, answer, settings)
}
