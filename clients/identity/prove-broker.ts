import type { MqttClient } from 'mqtt'
import { type IdentityStatement, nobleCrypto, type P256PublicKey } from '../../protocol/index.ts'
import { askIdentity } from './ask-identity.ts'
import { certificateSha256 } from './certificate.ts'
import { knownBrokerKey, rememberBroker } from './known-brokers.ts'

/** How a client tells whether a broker is the right one. */
export interface BrokerPin {
  /** `HOST:PORT` as the client was told it. */
  readonly name: string
  /** The key that somebody gave; undefined: the one it is known by, or at first use the one it shows. */
  readonly brokerKey?: P256PublicKey | undefined
  readonly knownBrokersFile: string
}

/** A broker that proved who it is. */
export interface ProvenBroker {
  readonly statement: IdentityStatement
  /** Where its key comes from. `first-use`: it was not known, and is from now on. */
  readonly trust: 'given' | 'known' | 'first-use'
  /** The statement is bound to the certificate of this connection; without TLS only to this moment. */
  readonly isBoundToTls: boolean
}

/**
 * Asks a broker who it is and checks the answer: with the key it is known by and, over TLS, for the certificate that this
 * connection was shown.
 * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_KNOWN_BROKERS, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function proveBroker(client: MqttClient, pin: BrokerPin): Promise<ProvenBroker> {
  const known = pin.brokerKey ?? knownBrokerKey(pin.knownBrokersFile, pin.name)
  const shown = certificateSha256(client)
  const question = { name: pin.name, brokerKey: known, certificateSha256: shown }
  const statement = await askIdentity(client, question, nobleCrypto)
  if (known === undefined) rememberBroker(pin.knownBrokersFile, pin.name, statement.brokerKey)
  const trust = pin.brokerKey !== undefined ? 'given' : known !== undefined ? 'known' : 'first-use'
  return { statement, trust, isBoundToTls: shown !== undefined }
}
