import {
  type CryptoProvider,
  encodePairwiseAnswer,
  encodePairwiseOffer,
  nobleCrypto,
  type P256PrivateKey,
  pairwiseKey,
  pairwiseTopic,
  parseEncrypt0,
  parsePairwiseAnswer,
  parsePairwiseOffer,
  toBase64url,
  toHex,
} from '../../protocol/index.ts'
import { MemoryKeyStore } from '../key-store/memory-key-store.ts'
import { KeyMessageInbox } from './key-message-inbox.ts'
import type { MessageCipher } from './message-cipher.ts'
import { PairwiseKeys } from './pairwise-keys.ts'
import type { KeyMessage, KeyTransport } from './ports.ts'
import { SharedKeyCipher } from './shared-key-cipher.ts'

export interface PairwiseOptions {
  /** Thumbprint of this client's key, with which the transport signs, 32 bytes. */
  readonly own: Uint8Array
  /** Thumbprint of the other client's key, 32 bytes. */
  readonly peer: Uint8Array
  /** Topic filters whose messages are for the two only. */
  readonly topics: readonly string[]
  readonly transport: KeyTransport
  /** Told of key messages of the peer that are not what they should be, and of answers that were not sent. */
  readonly onError: (error: unknown) => void
  readonly crypto?: CryptoProvider
}

/** Offers that wait for their answer; of more, the oldest is given up. */
const maxOffers = 4
const nonceBytes = 16
const nothing = new Uint8Array(0)

/**
 * Encrypts between two clients, with a key that they agree on over topics (docs/encryption.md): by ephemeral keys, so that
 * nobody who gets hold of their long-term keys later can read what was sent. Keys live in memory only. Each side makes an
 * offer when it starts; a restart therefore brings a new key.
 */
export class PairwiseCipher implements MessageCipher {
  readonly #options: PairwiseOptions
  readonly #crypto: CryptoProvider
  readonly #keys: PairwiseKeys
  readonly #cipher: SharedKeyCipher
  readonly #inbox: KeyMessageInbox
  /** Private keys of offers that are not answered yet, by the digest of the offer. */
  readonly #offers = new Map<string, { readonly ephemeral: P256PrivateKey; readonly offer: Uint8Array }>()

  private constructor(options: PairwiseOptions) {
    const { own, peer, topics, transport, onError, crypto = nobleCrypto } = options
    this.#options = options
    this.#crypto = crypto
    this.#keys = new PairwiseKeys([own, peer], () => this.#inbox.settled())
    this.#cipher = new SharedKeyCipher({ topics, keys: this.#keys, memory: new MemoryKeyStore(), crypto })
    this.#inbox = new KeyMessageInbox({
      transport,
      from: toBase64url(peer),
      handle: (message) => this.#handle(message),
      onError,
    })
  }

  /** Listens to the peer and makes it an offer. @throws {ClientError} ERR_ENCRYPTION_KEYS */
  static async start(options: PairwiseOptions): Promise<PairwiseCipher> {
    const { own, peer, transport } = options
    const cipher = new PairwiseCipher(options)
    await transport.subscribe(pairwiseTopic(own, peer, 'offer'))
    await transport.subscribe(pairwiseTopic(own, peer, 'confirm'))
    await transport.subscribe(pairwiseTopic(peer, own, 'answer'))
    await cipher.rekey()
    return cipher
  }

  /** Resolves when there is a key that both sides have: when the peer was there, too. */
  whenReady(): Promise<void> {
    return this.#keys.ready
  }

  /** Offers the peer a new key, which takes the place of the present one when the peer has answered. */
  async rekey(): Promise<void> {
    const { own, peer, transport } = this.#options
    const ephemeral = this.#crypto.generateP256()
    const offer = encodePairwiseOffer({ ephemeral, nonce: this.#crypto.randomBytes(nonceBytes) })
    for (const [digest] of this.#offers) if (this.#offers.size >= maxOffers) this.#offers.delete(digest)
    this.#offers.set(toHex(this.#crypto.sha256(offer)), { ephemeral, offer })
    await transport.publish(pairwiseTopic(peer, own, 'offer'), offer, { qos: 1, retain: false })
  }

  covers(topic: string): boolean {
    return this.#cipher.covers(topic)
  }

  seal(topic: string, payload: Uint8Array, sender: Uint8Array | undefined): Promise<Uint8Array> {
    return this.#cipher.seal(topic, payload, sender)
  }

  open(topic: string, message: Uint8Array, sender: Uint8Array | undefined): Promise<Uint8Array> {
    return this.#cipher.open(topic, message, sender)
  }

  /** Listens no more. The keys stay until the cipher is gone. */
  close(): void {
    this.#inbox.close()
  }

  async #handle({ topic, payload, verified }: KeyMessage): Promise<void> {
    const { own, peer } = this.#options
    // Old offers, played again, would cost an exchange each.
    if (verified?.repeated) return
    if (topic === pairwiseTopic(own, peer, 'offer')) this.#answer(payload)
    else if (topic === pairwiseTopic(peer, own, 'answer')) await this.#finish(payload)
    else if (topic === pairwiseTopic(own, peer, 'confirm')) this.#confirm(topic, payload)
  }

  /** As the responder. */
  #answer(offer: Uint8Array): void {
    const { own, peer } = this.#options
    const offered = parsePairwiseOffer(offer, this.#crypto)
    const ephemeral = this.#crypto.generateP256()
    const answer = encodePairwiseAnswer({
      ephemeral,
      nonce: this.#crypto.randomBytes(nonceBytes),
      offerDigest: this.#crypto.sha256(offer),
    })
    const transcript = { initiator: peer, responder: own, offer, answer }
    this.#keys.addUnconfirmed(pairwiseKey(ephemeral, offered.ephemeral, transcript, this.#crypto))
    ephemeral.d.fill(0)
    this.#send(pairwiseTopic(own, peer, 'answer'), answer)
  }

  /** As the initiator. */
  async #finish(answer: Uint8Array): Promise<void> {
    const { own, peer } = this.#options
    const answered = parsePairwiseAnswer(answer, this.#crypto)
    const digest = toHex(answered.offerDigest)
    const pending = this.#offers.get(digest)
    // To an offer of an earlier run, or to one that was answered.
    if (pending === undefined) return
    this.#offers.delete(digest)
    const { ephemeral, offer } = pending
    const transcript = { initiator: own, responder: peer, offer, answer }
    const key = pairwiseKey(ephemeral, answered.ephemeral, transcript, this.#crypto)
    ephemeral.d.fill(0)
    const topic = pairwiseTopic(peer, own, 'confirm')
    const confirmation = await this.#cipher.sealUnder(key, topic, nothing, own)
    this.#keys.establish(key)
    // Without waiting in between: no message under the new key is sent before the peer learns that it is in use.
    this.#send(topic, confirmation)
  }

  /** Without waiting for the acknowledgement: messages that came after must not wait for it. */
  #send(topic: string, payload: Uint8Array): void {
    const { transport, onError } = this.#options
    transport.publish(topic, payload, { qos: 1, retain: false }).catch(onError)
  }

  /** As the responder: only now it is known that the initiator is there, and that nobody played an old offer. */
  #confirm(topic: string, confirmation: Uint8Array): void {
    const encrypt0 = parseEncrypt0(confirmation)
    const key = this.#keys.unconfirmed(encrypt0.keyId)
    if (key === undefined) return
    this.#cipher.openUnder(key, topic, encrypt0, this.#options.peer)
    this.#keys.establish(key)
  }
}
