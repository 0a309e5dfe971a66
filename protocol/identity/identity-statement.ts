import { bytesEqual } from '../bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../cbor/index.ts'
import {
  algEsp256,
  coseKeyOfP256,
  externalAad,
  isKidOf,
  isSameP256,
  type P256PrivateKey,
  type P256PublicKey,
  p256FromCoseKey,
  parseSign1,
  signerHeaders,
  signerKidOf,
  signSign1,
  thumbprintOfP256,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { identityResponseTopic } from '../topics/index.ts'

/** Bytes of a nonce: enough that nobody can have asked with it before, and no more than a broker should sign for others. */
export const identityNonceBytes = { least: 16, most: 64 } as const

/** Largest statement that a client looks at; with a checkpoint and its cosignatures it has a few thousand bytes. */
const maxStatementBytes = 64 * 1024
const hashBytes = 32

/** What a broker says of itself, to one client, in answer to one nonce. */
export interface IdentityStatement {
  /** As asked with. */
  readonly nonce: Uint8Array
  /** Name of the broker's log. */
  readonly brokerId: string
  /** Newest checkpoint of the log; undefined while there is none. */
  readonly checkpoint: string | undefined
  /** SHA-256 of the server certificate (DER) of the connection that asked; undefined without TLS. */
  readonly certificateSha256: Uint8Array | undefined
  /** What the statement is signed with: who meets the broker for the first time learns it from here. */
  readonly brokerKey: P256PublicKey
}

const field = { nonce: 1, brokerId: 2, checkpoint: 3, certificateSha256: 4, brokerKey: 5 } as const

/** Whether these bytes may be asked with. */
export function isIdentityNonce(nonce: Uint8Array): boolean {
  return nonce.length >= identityNonceBytes.least && nonce.length <= identityNonceBytes.most
}

/** Signs a statement for one client. @returns COSE_Sign1 over external_aad `["notarymq/1", response topic]` */
export function signIdentityStatement(
  key: P256PrivateKey,
  clientId: string,
  statement: Omit<IdentityStatement, 'brokerKey'>,
  crypto: CryptoProvider,
): Uint8Array {
  const protectedBytes = signerHeaders(algEsp256, thumbprintOfP256(key, crypto))
  const payload = encodeCbor(
    new Map<number, CborValue>([
      [field.nonce, statement.nonce],
      [field.brokerId, statement.brokerId],
      [field.checkpoint, statement.checkpoint ?? null],
      [field.certificateSha256, statement.certificateSha256 ?? null],
      [field.brokerKey, coseKeyOfP256(key)],
    ]),
  )
  return signSign1(key, protectedBytes, externalAad(identityResponseTopic(clientId)), payload, crypto)
}

/** What a client expects of an answer. */
export interface ExpectedIdentity {
  /** As it asked with. */
  readonly nonce: Uint8Array
  /** Its own client id. */
  readonly clientId: string
  /** The key it knows the broker by; undefined when it meets it for the first time. */
  readonly brokerKey?: P256PublicKey | undefined
}

/**
 * Verifies the answer of a broker. Whether the certificate is that of the connection is for the caller to compare.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_*, ERR_KEY_*; ERR_IDENTITY_MISMATCH for another nonce or another key
 */
export async function verifyIdentityStatement(
  message: Uint8Array,
  expected: ExpectedIdentity,
  crypto: CryptoProvider,
): Promise<IdentityStatement> {
  if (message.length > maxStatementBytes) throw malformed('too long')
  const sign1 = parseSign1(message)
  const { payload } = sign1
  const kid = signerKidOf(sign1)
  if (kid === undefined || payload === undefined) throw malformed('headers')
  const statement = parseStatement(payload, crypto)
  const { brokerKey } = statement
  if (!isKidOf(kid, thumbprintOfP256(brokerKey, crypto))) throw malformed('kid')
  const known = expected.brokerKey
  if (known !== undefined && !isSameP256(known, brokerKey)) {
    throw new ProtocolError('ERR_IDENTITY_MISMATCH', 'this broker has another key than the one it is known by')
  }
  await verifySign1(sign1, brokerKey, externalAad(identityResponseTopic(expected.clientId)), crypto)
  if (!bytesEqual(statement.nonce, expected.nonce)) {
    throw new ProtocolError('ERR_IDENTITY_MISMATCH', 'this answers another nonce')
  }
  return statement
}

function parseStatement(payload: Uint8Array, crypto: CryptoProvider): IdentityStatement {
  const fields = decodeCbor(payload)
  if (!(fields instanceof Map) || fields.size !== 5) throw malformed('fields')
  const nonce = fields.get(field.nonce)
  const brokerId = fields.get(field.brokerId)
  const checkpoint = fields.get(field.checkpoint)
  const certificateSha256 = fields.get(field.certificateSha256)
  if (!(nonce instanceof Uint8Array) || typeof brokerId !== 'string') throw malformed('nonce or broker id')
  if (checkpoint !== null && typeof checkpoint !== 'string') throw malformed('checkpoint')
  const isHash = certificateSha256 instanceof Uint8Array && certificateSha256.length === hashBytes
  if (certificateSha256 !== null && !isHash) throw malformed('certificate hash')
  const brokerKey = p256FromCoseKey(fields.get(field.brokerKey) ?? null, crypto)
  return {
    nonce,
    brokerId,
    checkpoint: checkpoint ?? undefined,
    certificateSha256: isHash ? certificateSha256 : undefined,
    brokerKey,
  }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not an identity statement: ${what}`)
}
