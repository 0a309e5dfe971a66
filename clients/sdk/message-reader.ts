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
import { ClientError } from '../errors.ts'
import { type Keyring, type KeyringKey, mayStillSign } from '../keyring/keyring.ts'
import type { ClientCipher } from './client-cipher.ts'
import type { IncomingMessage, UnverifiedReason, Verified } from './incoming-message.ts'
import { SeenNumbers } from './seen-numbers.ts'

/** Whose keys are believed, and who can decrypt. */
export interface MessageReaderOptions {
  readonly keyring: Keyring | undefined
  readonly cipher: Pick<ClientCipher, 'take' | 'whenMade'>
  readonly crypto: CryptoProvider
}

/** An envelope that was looked for: found, absent, or announced by the property and not there. */
type Found = Envelope | 'unsigned' | 'malformed'

/** By itself, without regard to the messages before it. */
type Judged = { readonly key: KeyringKey; readonly envelope: Envelope } | UnverifiedReason

/** With regard to them: what the application is told, and the thumbprint of who signed it. */
interface Judgement {
  readonly told: { readonly verified: Verified } | { readonly unverified: UnverifiedReason }
  readonly sender: Uint8Array | undefined
}

/** Takes messages apart as they come: envelope, signature, encryption. Every byte of them may be an attacker's. */
export class MessageReader {
  readonly #options: MessageReaderOptions
  /** By kid; only keys of the keyring get here. */
  readonly #seen = new Map<string, SeenNumbers>()
  #judgedBefore: Promise<void> = Promise.resolve()

  constructor(options: MessageReaderOptions) {
    this.#options = options
  }

  /**
   * Several may be read at a time.
   * @returns undefined for a key message
   */
  async read(topic: string, payload: Uint8Array, packet: IPublishPacket): Promise<IncomingMessage | undefined> {
    const found = envelopeOf(payload, packet)
    const inner = typeof found === 'object' ? found.payload : payload
    const { told, sender, taken } = await this.#afterThoseBefore(topic, inner, this.#judge(topic, found))
    if (await taken) return undefined
    const encrypted = isEncryptedForm(inner)
    const { qos, retain, dup, messageId, properties } = packet
    return {
      topic,
      payload: inner,
      ...told,
      encrypted,
      ...(encrypted ? await this.#opened(topic, inner, sender) : undefined),
      qos,
      retain,
      dup,
      packetId: messageId,
      properties,
    }
  }

  /**
   * Compares a message with those before it. Key messages are taken here, in the order in which all came: a message after
   * one of them, which may need its key, is decrypted later.
   */
  #afterThoseBefore(topic: string, payload: Uint8Array, judging: Promise<Judged>) {
    const before = this.#judgedBefore
    const concluding = (async () => {
      const [judged] = await Promise.all([judging, before])
      const judgement = this.#conclude(judged)
      return { ...judgement, taken: this.#options.cipher.take({ topic, payload, ...judgement.told }) }
    })()
    // A failure is for whoever reads this one; the next ones come all the same.
    this.#judgedBefore = concluding.then(
      () => undefined,
      () => undefined,
    )
    return concluding
  }

  #conclude(judged: Judged): Judgement {
    if (typeof judged === 'string') return { told: { unverified: judged }, sender: undefined }
    const { key, envelope } = judged
    const kid = toBase64url(key.thumbprint)
    const seen = this.#seen.get(kid) ?? new SeenNumbers()
    this.#seen.set(kid, seen)
    const { seq, timeMs } = envelope
    const verified = { kid, subject: key.name, seq, time: new Date(timeMs), ...seen.take(seq) }
    return { told: { verified }, sender: key.thumbprint }
  }

  async #judge(topic: string, found: Found): Promise<Judged> {
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
    const cipher = await this.#options.cipher.whenMade()
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
