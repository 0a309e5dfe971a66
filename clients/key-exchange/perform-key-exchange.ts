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
