import { CodedError, type ErrorExplanation } from './coded-error.ts'

/** Every code that `protocol/` throws, with when it happens and what the caller should do. */
export const protocolErrors = {
  ERR_CBOR_TRUNCATED: { cause: 'an item claims more bytes than there are', remedy: 'send the whole item' },
  ERR_CBOR_TRAILING_BYTES: { cause: 'bytes follow the item', remedy: 'send one item and nothing after it' },
  ERR_CBOR_NOT_DETERMINISTIC: {
    cause: 'not the shortest form, an indefinite length, map keys out of order or twice',
    remedy: 'encode as RFC 8949 section 4.2.1 says',
  },
  ERR_CBOR_UNSUPPORTED: {
    cause: 'a type that none of our structures contains: float, undefined, other simple values',
    remedy: 'use integers, strings, arrays, maps, tags, true, false and nil only',
  },
  ERR_CBOR_TOO_DEEP: { cause: 'nested deeper than 8 levels', remedy: 'nest less' },
  ERR_CBOR_UNEXPECTED: { cause: 'another type or length than the structure has here', remedy: 'follow the CDDL' },
  ERR_CBOR_NOT_UTF8: { cause: 'a text string is not valid UTF-8', remedy: 'send it as a byte string or repair it' },
  ERR_COSE_MALFORMED: {
    cause: 'not a COSE structure of the strict profile',
    remedy: 'see docs/envelope.md and docs/chain.md',
  },
  ERR_COSE_ALG_NOT_ALLOWED: {
    cause: 'an algorithm other than ESP256 (-9) or ES256 (-7) for a P-256 key, or than HMAC 256/256 (5) for a MAC',
    remedy: 'sign with ESP256, MAC with HMAC 256/256',
  },
  ERR_COSE_SIGNATURE_INVALID: {
    cause: 'the signature does not verify over these bytes with this key',
    remedy: 'sign the topic, sequence number, time and payload that are sent, with the enrolled key',
  },
  ERR_COSE_NOT_DECRYPTED: {
    cause: 'a ciphertext or wrapped key does not open: another key, topic or sender, or changed bytes',
    remedy: 'see that both sides have the same key, and that topic and sender are those that it was encrypted for',
  },
  ERR_COSE_NOT_A_RECIPIENT: {
    cause: 'a COSE_Encrypt is for other keys',
    remedy: 'ask who sent it to add this key',
  },
  ERR_MAC_INVALID: {
    cause: 'the MAC of a COSE_Mac0 or of a secure link frame does not verify over these bytes with this key',
    remedy: 'MAC the bytes that are sent, in their order, with the key of the live session',
  },
  ERR_KEY_EXCHANGE_MALFORMED: {
    cause: 'not a message of the key exchange: another shape or size than docs/envelope.md gives',
    remedy: 'see docs/envelope.md, or docs/encryption.md for keys between clients',
  },
  ERR_KEY_EXCHANGE_MISMATCH: {
    cause: 'a response to another request, for another client or by another broker key than the expected one',
    remedy: 'ask again; distrust the broker when it stays',
  },
  ERR_IDENTITY_MISMATCH: {
    cause: 'an identity statement answers another nonce, or is signed with another key than the broker is known by',
    remedy: 'ask again; distrust the broker when it stays',
  },
  ERR_LINK_FRAME_TOO_LARGE: {
    cause: 'a secure link frame claims more content than is admitted',
    remedy: 'send smaller messages',
  },
  ERR_KEY_UNSUPPORTED: { cause: 'not a P-256 public key', remedy: 'use an ECDSA P-256 key' },
  ERR_KEY_INVALID: {
    cause: 'the point is not on the curve, a coordinate has a wrong length, or ECDH with it gives nothing secret',
    remedy: 'export the key again',
  },
  ERR_RECORD_MALFORMED: { cause: 'bytes that are not a record of this version', remedy: 'verify the chain' },
  ERR_BLOCK_MALFORMED: { cause: 'bytes that are not a block of this version', remedy: 'verify the chain' },
  ERR_PROOF_INVALID: {
    cause: 'a Merkle proof does not lead to the root',
    remedy: 'ask for the proof again; distrust the log if it stays',
  },
  ERR_LOG_FILE_MALFORMED: {
    cause: 'a file of a log does not have the form that its path stands for (C2SP tlog-tiles, docs/export.md)',
    remedy: 'fetch or copy it again; `notarymq audit verify --export DIR` names what else is wrong',
  },
} as const satisfies Record<string, ErrorExplanation>

export type ProtocolErrorCode = keyof typeof protocolErrors

/** Thrown by everything in `protocol/`: bytes that are not what they should be. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {}
