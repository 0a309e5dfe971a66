import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  bytesItem,
  createSigner,
  encodeP256Key,
  encodeProtectedHeaders,
  encodeSign1,
  head,
  integer,
  thumbprint,
} from './envelope.ts'
import { encodeRequest } from './mqtt-packets.ts'
import type { RawClient } from './raw-client.ts'

// Hop MACs that are wrong, for sessions that are right: the broker has to compute the HMAC to know. As envelope.ts, from
// the specification and not from protocol/. The session's key is of no use here, so nobody derives it.

const hmac256 = 5
const requestTopic = '$notary/key-exchange/request'
const responseTopic = '$notary/key-exchange/response/-'
const nonceBytes = 16
const sidBytes = 8
const tagBytes = 32
const answerTimeoutMs = 5000

/** What the session is asked for with: its sequence number is used up. */
export interface ExchangeIdentity {
  /** PKCS #8 PEM of an enrolled key. */
  privateKey: string
  seq: number
  timeMs: number
}

/** `{1: ephemeral COSE_Key, 2: nonce}`, signed for the request topic. */
export function encodeExchangeRequest({ privateKey, seq, timeMs }: ExchangeIdentity): Buffer {
  const ephemeral = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  const fields = [head(5, 2), integer(1), encodeP256Key(ephemeral), integer(2), bytesItem(randomBytes(nonceBytes))]
  return createSigner(privateKey, requestTopic).envelope(Buffer.concat(fields), seq, timeMs)
}

/**
 * The session id of a response, found by what stands around it: `2: nonce, 3: sid`.
 * @throws {Error} when it is not there
 */
export function readSessionId(response: Buffer): Buffer {
  const nonceHead = Buffer.concat([integer(2), head(2, nonceBytes)])
  const sidHead = Buffer.concat([integer(3), head(2, sidBytes)])
  for (let at = response.indexOf(nonceHead); at >= 0; at = response.indexOf(nonceHead, at + 1)) {
    const sidAt = at + nonceHead.length + nonceBytes
    const sid = response.subarray(sidAt + sidHead.length, sidAt + sidHead.length + sidBytes)
    if (response.subarray(sidAt, sidAt + sidHead.length).equals(sidHead) && sid.length === sidBytes) return sid
  }
  throw new Error('the answer to the key exchange names no session')
}

/**
 * Makes a session of this connection, which must have nothing else under way.
 * @param received says what to do with the next message that the client gets
 * @returns the id of the session
 */
export async function openSession(
  client: RawClient,
  received: (onMessage: (message: Buffer) => void) => void,
  identity: ExchangeIdentity,
): Promise<Buffer> {
  await client.subscribe(responseTopic)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no answer to the key exchange')), answerTimeoutMs)
    received((message) => {
      clearTimeout(timer)
      try {
        resolve(readSessionId(message))
      } catch (error) {
        reject(error)
      }
    })
    client.write(encodeRequest(requestTopic, encodeExchangeRequest(identity)))
  })
}

/** A COSE_Mac0 of that session around an envelope of that key, tag and signature random. */
export function encodeForged(sid: Buffer, { privateKey, seq, timeMs }: ExchangeIdentity, payload: Buffer): Buffer {
  const kid = thumbprint(createPublicKey(createPrivateKey(privateKey))).subarray(0, 8)
  const sign1 = encodeSign1(encodeProtectedHeaders(kid, seq, timeMs), payload, randomBytes(64))
  const macHeaders = Buffer.concat([head(5, 2), integer(1), integer(hmac256), integer(4), bytesItem(sid)])
  return Buffer.concat([
    head(6, 17),
    head(4, 4),
    bytesItem(macHeaders),
    head(5, 0),
    bytesItem(sign1),
    bytesItem(randomBytes(tagBytes)),
  ])
}
