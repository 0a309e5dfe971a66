import type { MqttClient } from 'mqtt'
import {
  type ClientSession,
  nobleCrypto,
  type P256PublicKey,
  startKeyExchange,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { type Identity, reserveSequenceNumber } from '../identity/index.ts'
import { runExchange } from './run-exchange.ts'

/** Whom to agree with. */
export interface KeyExchangeSettings {
  /** The key that the broker is known by. */
  readonly brokerKey: P256PublicKey
}

/** A request that is ready to be sent. */
export function startExchange(identity: Identity, clientId: string, { brokerKey }: KeyExchangeSettings) {
  const brokerThumbprint = thumbprintOfP256(brokerKey, nobleCrypto)
  const seq = reserveSequenceNumber(identity.path)
  return startKeyExchange(identity, { clientId, seq, timeMs: Date.now(), brokerThumbprint }, nobleCrypto)
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
  const pending = startExchange(identity, client.options.clientId as string, settings)
  return runExchange(client, pending, settings.brokerKey)
}
