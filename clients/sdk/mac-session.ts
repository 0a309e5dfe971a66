import type { MqttClient } from 'mqtt'
import {
  type ClientSession,
  type CryptoProvider,
  type P256PublicKey,
  prepareKeyExchange,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { runExchange } from '../key-exchange/run-exchange.ts'
import type { SequenceNumbers } from './sequence-numbers.ts'
import type { Signer } from './signer.ts'

/** Part of its life after which a session is replaced: the one before still holds while the exchange runs. */
const renewAfter = 0.8
/** A session that ends as soon as it begins would be renewed without a pause. */
const shortestRenewalMs = 100
/** Longest time that timers take. */
const longestTimerMs = 2 ** 31 - 1

/** Who agrees with the broker. */
export interface ExchangingClient {
  readonly mqtt: MqttClient
  readonly signer: Signer
  readonly numbers: SequenceNumbers
  readonly crypto: CryptoProvider
}

/**
 * Agrees on a session key for hop MACs, and learns the highest number that the broker has accepted of this key.
 * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION, and what signer and store throw
 */
export async function agreeOnSession(client: ExchangingClient, brokerKey: P256PublicKey): Promise<ClientSession> {
  const { mqtt, signer, numbers, crypto } = client
  const brokerThumbprint = thumbprintOfP256(brokerKey, crypto)
  const start = {
    clientId: mqtt.options.clientId as string,
    seq: await numbers.take(),
    timeMs: Date.now(),
    brokerThumbprint,
  }
  const { toBeSigned, signedWith } = prepareKeyExchange(signer.thumbprint, start, crypto)
  const session = await runExchange(mqtt, signedWith(await signer.sign(toBeSigned)), brokerKey)
  await numbers.raiseAbove(session.response.highestSeq)
  return session
}

/** How long to use a session, by no clock but the broker's: that of the client may be wrong. */
export function renewalDelayMs({ response }: ClientSession): number {
  const delayMs = (response.expiryMs - response.brokerTimeMs) * renewAfter
  return Math.min(Math.max(delayMs, shortestRenewalMs), longestTimerMs)
}
