import { TLSSocket } from 'node:tls'
import type { MqttClient } from 'mqtt'
import {
  bytesEqual,
  type IdentityStatement,
  identityNonceBytes,
  identityResponseTopic,
  nobleCrypto,
  type P256PublicKey,
  ProtocolError,
  requestTopic,
  verifyIdentityStatement,
} from '../../protocol/index.ts'
import { askBroker } from '../ask-broker.ts'
import { ClientError } from '../errors.ts'
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
  const clientId = client.options.clientId as string
  const nonce = nobleCrypto.randomBytes(identityNonceBytes.least * 2)
  const known = pin.brokerKey ?? knownBrokerKey(pin.knownBrokersFile, pin.name)
  const answer = await askBroker(client, {
    requestTopic: requestTopic.identity,
    responseTopic: identityResponseTopic(clientId),
    payload: nonce,
  })
  const statement = await verified(answer, { nonce, clientId, brokerKey: known }, pin.name)
  const shown = certificateSha256(client)
  const claimed = statement.certificateSha256
  if (shown !== undefined && (claimed === undefined || !bytesEqual(shown, claimed))) {
    throw unproven(pin.name, 'this connection ends at another certificate: somebody is in between')
  }
  if (known === undefined) rememberBroker(pin.knownBrokersFile, pin.name, statement.brokerKey)
  const trust = pin.brokerKey !== undefined ? 'given' : known !== undefined ? 'known' : 'first-use'
  return { statement, trust, isBoundToTls: shown !== undefined }
}

async function verified(
  answer: Uint8Array,
  expected: Parameters<typeof verifyIdentityStatement>[1],
  name: string,
): Promise<IdentityStatement> {
  try {
    return await verifyIdentityStatement(answer, expected, nobleCrypto)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw unproven(name, cause.message, cause)
  }
}

function certificateSha256({ stream }: MqttClient): Uint8Array | undefined {
  const certificate = stream instanceof TLSSocket ? stream.getPeerX509Certificate() : undefined
  return certificate === undefined ? undefined : nobleCrypto.sha256(certificate.raw)
}

function unproven(name: string, why: string, cause?: unknown): ClientError {
  return new ClientError(
    'ERR_BROKER_UNPROVEN',
    `${name} did not prove to be the broker it is known as: ${why}`,
    {},
    cause,
  )
}
