import type { IPublishPacket } from 'mqtt'
import {
  type CryptoProvider,
  detachedProperty,
  type Envelope,
  externalAad,
  isEncryptedForm,
  ProtocolError,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  toBase64url,
  verifySign1,
} from '../../protocol/index.ts'
import type { MessageCipher } from '../encryption/message-cipher.ts'
import { ClientError } from '../errors.ts'
import { type Keyring, type KeyringKey, mayStillSign } from '../keyring/keyring.ts'
import type { IncomingMessage, UnverifiedReason } from './incoming-message.ts'
import { SeenNumbers } from './seen-numbers.ts'

/** What was found out about a message; what depends on the messages before it is not in it yet. */
export interface ReadMessage {
  readonly message: Omit<IncomingMessage, 'verified'>
  readonly signed: { readonly key: KeyringKey; readonly envelope: Envelope } | undefined
}

/** Whose keys are believed, and who can decrypt. */
export interface MessageReaderOptions {
  readonly keyring: Keyring | undefined
  readonly cipher: MessageCipher | undefined
  readonly crypto: CryptoProvider
}

/** An envelope that was looked for: found, absent, or announced by the property and not there. */
type Found = Envelope | 'unsigned' | 'malformed'

/** Takes messages apart as they come: envelope, signature, encryption. Every byte of them may be an attacker's. */
export class MessageReader {
  readonly #options: MessageReaderOptions
  /** By kid; only keys of the keyring get here. */
  readonly #seen = new Map<string, SeenNumbers>()

  constructor(options: MessageReaderOptions) {
    this.#options = options
  }

  /** Several may be read at a time; {@link conclude} takes them in the order in which they came. */
  async read(topic: string, payload: Uint8Array, packet: IPublishPacket): Promise<ReadMessage> {
    const found = envelopeOf(payload, packet)
    const judged = await this.#judge(topic, found)
    const isSigned = typeof judged === 'object'
    const inner = typeof found === 'object' ? found.payload : payload
    const encrypted = isEncryptedForm(inner)
    const sender = isSigned ? judged.key.thumbprint : undefined
    const { qos, retain, dup, messageId, properties } = packet
    const message = {
      topic,
      payload: inner,
      ...(isSigned ? undefined : { unverified: judged }),
      encrypted,
      ...(encrypted ? await this.#opened(topic, inner, sender) : undefined),
      qos,
      retain,
      dup,
      packetId: messageId,
      properties,
    }
    return { message, signed: isSigned ? judged : undefined }
  }

  /** Compares a message with those before it. */
  conclude({ message, signed }: ReadMessage): IncomingMessage {
    if (signed === undefined) return message
    const { key, envelope } = signed
    const kid = toBase64url(key.thumbprint)
    const seen = this.#seen.get(kid) ?? new SeenNumbers()
    this.#seen.set(kid, seen)
    const { seq, timeMs } = envelope
    return { ...message, verified: { kid, subject: key.name, seq, time: new Date(timeMs), ...seen.take(seq) } }
  }

  async #judge(topic: string, found: Found): Promise<{ key: KeyringKey; envelope: Envelope } | UnverifiedReason> {
    if (typeof found !== 'object') return found
    const candidates = this.#options.keyring?.withKid(found.kid) ?? []
    if (candidates.length === 0) return 'unknown-key'
    for (const key of candidates) {
      if (!(await this.#isSignedBy(key, topic, found))) continue
      return mayStillSign(key, topic) ? { key, envelope: found } : 'key-not-valid'
    }
    return 'signature-invalid'
  }

  async #isSignedBy(key: KeyringKey, topic: string, { sign1, payload }: Envelope): Promise<boolean> {
    try {
      await verifySign1(sign1, key.publicKey, externalAad(topic), this.#options.crypto, payload)
      return true
    } catch (error) {
      if (error instanceof ProtocolError) return false
      throw error
    }
  }

  /** Without a cipher the ciphertext is what the application asked for. */
  async #opened(
    topic: string,
    ciphertext: Uint8Array,
    sender: Uint8Array | undefined,
  ): Promise<Pick<IncomingMessage, 'payload' | 'undecrypted'>> {
    const { cipher } = this.#options
    if (cipher === undefined) return { payload: ciphertext }
    try {
      return { payload: await cipher.open(topic, ciphertext, sender) }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      if (error.code === 'ERR_NO_ENCRYPTION_KEY') return { payload: new Uint8Array(0), undecrypted: 'no-key' }
      if (error.code === 'ERR_NOT_DECRYPTED') return { payload: new Uint8Array(0), undecrypted: 'not-authentic' }
      throw error
    }
  }
}

/** The user property wins: a payload beside it is never parsed (docs/envelope.md). */
function envelopeOf(payload: Uint8Array, { properties }: IPublishPacket): Found {
  const value = properties?.userProperties?.[detachedProperty]
  if (value === undefined) return parseAttachedEnvelope(payload) ?? 'unsigned'
  const envelope = typeof value === 'string' ? parseDetachedEnvelope(value, payload) : undefined
  return envelope ?? 'malformed'
}
