import type { MqttClient } from 'mqtt'
import {
  type CryptoProvider,
  coseKeyOfP256,
  decodeP256CoseKey,
  encodeCbor,
  type IdentityStatement,
  isSameP256,
  type P256PublicKey,
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
  const storeName = `${brokerValue}${name}`
  const remembered = key === undefined ? await store.get(storeName) : undefined
  const brokerKey = key ?? (remembered === undefined ? undefined : decodeP256CoseKey(remembered, crypto))
  const statement = await askIdentity(mqtt, { name, brokerKey, certificateSha256 }, crypto)
  if (brokerKey === undefined) await remember(storeName, statement.brokerKey, store, crypto)
  return statement
}

/** Another process may have met it first, and by another key. */
async function remember(name: string, key: P256PublicKey, store: KeyStore, crypto: CryptoProvider): Promise<void> {
  if (await store.set(name, encodeCbor(coseKeyOfP256(key)), undefined)) return
  const remembered = await store.get(name)
  if (remembered !== undefined && isSameP256(decodeP256CoseKey(remembered, crypto), key)) return
  throw new ClientError('ERR_BROKER_UNPROVEN', `${name} was met with two keys at the same time`)
}
