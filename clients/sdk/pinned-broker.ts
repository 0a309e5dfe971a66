import type { MqttClient } from 'mqtt'
import {
  type CryptoProvider,
  coseKeyOfP256,
  decodeP256CoseKey,
  encodeCbor,
  type IdentityStatement,
  isSameP256,
  type P256PublicKey,
  ProtocolError,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { askIdentity } from '../identity/ask-identity.ts'
import type { KeyStore } from '../key-store/key-store.ts'

/** Values of the key store that begin so are keys of brokers; `HOST:PORT` follows. */
export const brokerValue = 'broker/'

/** How a client tells whether a broker is the right one. */
export interface PinnedBroker {
  /** `HOST:PORT` as the client was told it. */
  readonly name: string
  /** The key that somebody gave; undefined: the one that it was first met with. */
  readonly key: P256PublicKey | undefined
}

/**
 * Demands a proof of the key that a broker is known by, and remembers it when it is met for the first time.
 * @param certificateSha256 of this connection, where it can be seen
 * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_KEY_STORE, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function proveBrokerKey(
  mqtt: MqttClient,
  { name, key }: PinnedBroker,
  certificateSha256: Uint8Array | undefined,
  store: KeyStore,
  crypto: CryptoProvider,
): Promise<IdentityStatement> {
  const remembered = key === undefined ? await store.get(`${brokerValue}${name}`) : undefined
  const brokerKey = key ?? (remembered === undefined ? undefined : keyIn(remembered, name, crypto))
  const statement = await askIdentity(mqtt, { name, brokerKey, certificateSha256 }, crypto)
  if (brokerKey === undefined) await remember(name, statement.brokerKey, store, crypto)
  return statement
}

/** Another process may have met it first, and by another key. */
async function remember(name: string, key: P256PublicKey, store: KeyStore, crypto: CryptoProvider): Promise<void> {
  const storeName = `${brokerValue}${name}`
  if (await store.set(storeName, encodeCbor(coseKeyOfP256(key)), undefined)) return
  const remembered = await store.get(storeName)
  if (remembered !== undefined && isSameP256(keyIn(remembered, name, crypto), key)) return
  throw new ClientError('ERR_BROKER_UNPROVEN', `${name} was met with two keys at the same time`)
}

function keyIn(remembered: Uint8Array, name: string, crypto: CryptoProvider): P256PublicKey {
  try {
    return decodeP256CoseKey(remembered, crypto)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new ClientError('ERR_KEY_STORE', `the key store has something else in place of the key of ${name}`, {}, cause)
  }
}
