import { kidOf, type P256PrivateKey, type P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { type HopMacKey, sidBytes } from '../envelope/index.ts'
import { nonceBytes } from './fields.ts'
import { type KeyExchangeRequest, type ReceivedKeyExchangeRequest, unsignedKeyExchangeRequest } from './request.ts'
import { type KeyExchangeResponse, signKeyExchangeResponse, verifyKeyExchangeResponse } from './response.ts'
import { deriveSessionKey } from './session-key.ts'

/** A long-term key of one side. */
export interface SigningKey {
  readonly key: P256PrivateKey
  /** RFC 9679 thumbprint, 32 bytes. */
  readonly thumbprint: Uint8Array
}

/** What a client has when the exchange is over. */
export interface ClientSession extends HopMacKey {
  readonly response: KeyExchangeResponse
}

/** A request that was made and not answered yet. */
export interface PendingKeyExchange {
  /** The message to send. */
  readonly message: Uint8Array
  /**
   * Takes the answer. Whatever it throws, the exchange goes on: the right answer may still come.
   * @throws {ProtocolError} what `verifyKeyExchangeResponse` throws
   */
  readonly finish: (response: Uint8Array, brokerKey: P256PublicKey) => Promise<ClientSession>
}

/** What a request is made from. */
export interface KeyExchangeToStart {
  /** Who will use the session. */
  readonly clientId: string
  /** Sequence number and clock, as of a publish. */
  readonly seq: number
  readonly timeMs: number
  /** Thumbprint of the broker that is meant, 32 bytes; undefined when it is not known yet. */
  readonly brokerThumbprint?: Uint8Array | undefined
}

/** A request that waits for the client's signature. */
export interface KeyExchangeToSign {
  readonly toBeSigned: Uint8Array
  /** @param signature r || s, 64 bytes */
  readonly signedWith: (signature: Uint8Array) => PendingKeyExchange
}

/** The client's side: makes a request with an ephemeral key of its own, and signs it. */
export function startKeyExchange(
  signer: SigningKey,
  start: KeyExchangeToStart,
  crypto: CryptoProvider,
): PendingKeyExchange {
  const { toBeSigned, signedWith } = prepareKeyExchange(signer.thumbprint, start, crypto)
  return signedWith(crypto.signP256(signer.key, toBeSigned))
}

/** As {@link startKeyExchange}, for a client whose key signs elsewhere. @param thumbprint of that key, 32 bytes */
export function prepareKeyExchange(
  thumbprint: Uint8Array,
  start: KeyExchangeToStart,
  crypto: CryptoProvider,
): KeyExchangeToSign {
  const { clientId, seq, timeMs, brokerThumbprint } = start
  const ephemeral = crypto.generateP256()
  const request: KeyExchangeRequest = {
    ephemeral,
    nonce: crypto.randomBytes(nonceBytes),
    clientId,
    brokerKid: brokerThumbprint === undefined ? undefined : kidOf(brokerThumbprint),
  }
  const { toBeSigned, signedWith } = unsignedKeyExchangeRequest(thumbprint, { ...request, seq, timeMs })
  const pending = (message: Uint8Array): PendingKeyExchange => {
    const requestDigest = crypto.sha256(message)
    return {
      message,
      finish: async (responseMessage, brokerKey) => {
        const expected = { brokerKey, requestDigest, clientId }
        const response = await verifyKeyExchangeResponse(responseMessage, expected, crypto)
        const transcript = {
          clientNonce: request.nonce,
          brokerNonce: response.nonce,
          requestDigest,
          responseDigest: crypto.sha256(responseMessage),
        }
        const key = deriveSessionKey(ephemeral, response.ephemeral, transcript, crypto)
        return { sid: response.sid, key, response }
      },
    }
  }
  return { toBeSigned, signedWith: (signature) => pending(signedWith(signature)) }
}

/** What the broker answers with, beside what it makes itself. */
export interface KeyExchangeToAnswer {
  /** Who asked, by this connection; over a socket by field 3 of the request. */
  readonly clientId: string
  readonly expiryMs: number
  readonly brokerTimeMs: number
  readonly highestSeq: number
}

/** What the broker has when the exchange is over. */
export interface BrokerSession extends HopMacKey {
  /** The message to send; the same request again gets the same one. */
  readonly message: Uint8Array
  /** SHA-256 of it. */
  readonly digest: Uint8Array
}

/**
 * The broker's side: answers a request whose signature has been verified, with an ephemeral key of its own.
 * @throws {ProtocolError} ERR_KEY_INVALID
 */
export function answerKeyExchange(
  signer: SigningKey,
  request: ReceivedKeyExchangeRequest,
  answer: KeyExchangeToAnswer,
  crypto: CryptoProvider,
): BrokerSession {
  const { clientId, expiryMs, brokerTimeMs, highestSeq } = answer
  const ephemeral = crypto.generateP256()
  const nonce = crypto.randomBytes(nonceBytes)
  const sid = crypto.randomBytes(sidBytes)
  const response = { ephemeral, nonce, sid, expiryMs, requestDigest: request.digest, brokerTimeMs, highestSeq }
  const message = signKeyExchangeResponse(signer.key, signer.thumbprint, clientId, response, crypto)
  const digest = crypto.sha256(message)
  const transcript = {
    clientNonce: request.nonce,
    brokerNonce: nonce,
    requestDigest: request.digest,
    responseDigest: digest,
  }
  return { sid, key: deriveSessionKey(ephemeral, request.ephemeral, transcript, crypto), message, digest }
}
