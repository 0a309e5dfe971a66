import type { MqttClient } from 'mqtt'
import {
  bytesEqual,
  type CryptoProvider,
  type IdentityStatement,
  identityNonceBytes,
  identityResponseTopic,
  type P256PublicKey,
  ProtocolError,
  requestTopic,
  verifyIdentityStatement,
} from '../../protocol/index.ts'
import { askBroker } from '../ask-broker.ts'
import { ClientError } from '../errors.ts'

/** Whom a client takes a broker for, and what it sees of the connection. */
export interface IdentityQuestion {
  /** Name for people: `HOST:PORT`. */
  readonly name: string
  /** The key that it has to sign with; undefined: the one that it shows. */
  readonly brokerKey: P256PublicKey | undefined
  /** SHA-256 of the certificate (DER) that this connection was shown; undefined without TLS, and where nobody can see it. */
  readonly certificateSha256: Uint8Array | undefined
}

/**
 * Asks a broker who it is and checks the answer, over TLS for the certificate of this connection too.
 * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function askIdentity(
  client: MqttClient,
  { name, brokerKey, certificateSha256 }: IdentityQuestion,
  crypto: CryptoProvider,
): Promise<IdentityStatement> {
  const clientId = client.options.clientId as string
  const nonce = crypto.randomBytes(identityNonceBytes.least * 2)
  const answer = await askBroker(client, {
    requestTopic: requestTopic.identity,
    responseTopic: identityResponseTopic(clientId),
    payload: nonce,
  })
  const statement = await verified(answer, { nonce, clientId, brokerKey }, name, crypto)
  const claimed = statement.certificateSha256
  if (certificateSha256 !== undefined && (claimed === undefined || !bytesEqual(certificateSha256, claimed))) {
    throw unproven(name, 'this connection ends at another certificate: somebody is in between')
  }
  return statement
}

async function verified(
  answer: Uint8Array,
  expected: Parameters<typeof verifyIdentityStatement>[1],
  name: string,
  crypto: CryptoProvider,
): Promise<IdentityStatement> {
  try {
    return await verifyIdentityStatement(answer, expected, crypto)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw unproven(name, cause.message, cause)
  }
}

function unproven(name: string, why: string, cause?: unknown): ClientError {
  return new ClientError(
    'ERR_BROKER_UNPROVEN',
    `${name} did not prove to be the broker it is known as: ${why}`,
    {},
    cause,
  )
}
