import {
  cipherByTopic,
  connectAsync,
  type EncryptionContext,
  type IncomingMessage,
  Keyring,
  type KeyStore,
  type NotaryClient,
  PairwiseCipher,
  parsePreSharedKeys,
  preSharedKeyCipher,
  type Signer,
  TopicKeyOwner,
  TopicKeySubscriber,
  webCrypto,
} from '../../clients/sdk/index.ts'
import { type P256Jwk, p256FromJwk, p256ToJwk, thumbprintOfP256 } from '../../protocol/index.ts'

const longestWaitMs = 20_000

/** What a party is told; all of it can be copied into a page. */
export interface PartySettings {
  readonly url: string
  /** Whose signatures it believes. */
  readonly keyring: Readonly<Record<string, P256Jwk>>
  /** Filters that it subscribes to. */
  readonly subscriptions: readonly string[]
  /** Whether it signs, and whether with a MAC around. */
  readonly signs: boolean
  readonly mac: boolean
  /** As in a file of pre-shared keys; for `plant/#` and `open/#`. */
  readonly psk: string
  /**
   * Names of the party and of another one in the keyring, with which it agrees on a key for `pair/#`; either also makes a
   * key for `topic/NAME/#` and hands it to the other.
   */
  readonly pair?: { readonly name: string; readonly peer: string }
}

/** A message as a subscriber saw it. */
export interface Heard {
  readonly text: string
  readonly subject?: string
  readonly kid?: string
  readonly unverified?: string
  readonly encrypted: boolean
  readonly undecrypted?: string
}

/** An application on the SDK. Nothing here is of Node: a page in a browser is the same application. */
export class SdkParty {
  /** What went wrong that no call told. */
  readonly errors: string[] = []
  readonly #signer: Signer
  readonly #keyStore: KeyStore
  readonly #messages: IncomingMessage[] = []
  readonly #waiting = new Set<() => void>()
  #client: NotaryClient | undefined
  #agreed: Promise<unknown> = Promise.resolve()

  constructor(signer: Signer, keyStore: KeyStore) {
    this.#signer = signer
    this.#keyStore = keyStore
  }

  get publicKey(): P256Jwk {
    return p256ToJwk(this.#signer.publicKey)
  }

  async connect({ url, keyring, subscriptions, signs, mac, psk, pair }: PartySettings): Promise<void> {
    const believed = new Keyring()
    for (const [name, key] of Object.entries(keyring)) believed.add(name, key)
    this.#client = await connectAsync(url, {
      keyring: believed,
      keyStore: this.#keyStore,
      mac,
      ...(signs ? { identity: this.#signer } : undefined),
      encryption: async (context) => {
        const topics = ['plant/#', 'open/#']
        const shared = preSharedKeyCipher({ ...context, keys: parsePreSharedKeys(psk), topics })
        if (pair === undefined) return shared
        const peer = p256FromJwk(keyring[pair.peer] as P256Jwk, webCrypto)
        return cipherByTopic(shared, ...(await this.#agreeWith(peer, pair, context)))
      },
    })
    this.#client.on('error', (error) => this.errors.push(String(error)))
    this.#client.on('message', (_topic, _payload, message) => {
      this.#messages.push(message)
      for (const look of this.#waiting) look()
    })
    if (subscriptions.length > 0) await this.#client.subscribeAsync([...subscriptions], { qos: 1 })
  }

  async #agreeWith(peer: Signer['publicKey'], names: NonNullable<PartySettings['pair']>, context: EncryptionContext) {
    const own = this.#signer
    const peerThumbprint = thumbprintOfP256(peer, webCrypto)
    const filterOf = (name: string) => `topic/${name}/#`
    const pairwise = await PairwiseCipher.start({
      ...context,
      own: own.thumbprint,
      peer: peerThumbprint,
      topics: ['pair/#'],
    })
    const owned = await TopicKeyOwner.start({ ...context, filter: filterOf(names.name), own: own.publicKey })
    await owned.add(peer)
    const filter = filterOf(names.peer)
    const taken = await TopicKeySubscriber.start({ ...context, filter, owner: peerThumbprint, own })
    this.#agreed = Promise.all([pairwise.whenReady(), taken.whenReady()])
    return [pairwise, owned.cipher, taken.cipher]
  }

  /** Resolves when the keys with the peer are there. */
  async agreed(): Promise<void> {
    await inTime(this.#agreed, 'the peer')
  }

  async publish(topic: string, text: string): Promise<void> {
    await this.#connected.publishAsync(topic, text, { qos: 1 })
  }

  /** Waits for the message of this number on a topic, counted from 1. */
  heard(topic: string, number: number): Promise<Heard> {
    const coming = new Promise<Heard>((resolve) => {
      const look = () => {
        const message = this.#messages.filter((one) => one.topic === topic)[number - 1]
        if (message === undefined) return
        this.#waiting.delete(look)
        resolve(heardOf(message))
      }
      this.#waiting.add(look)
      look()
    })
    return inTime(coming, `message ${number} on ${topic}`)
  }

  /** Topics of all messages that the application was told of. */
  get topics(): readonly string[] {
    return this.#messages.map(({ topic }) => topic)
  }

  async end(): Promise<void> {
    await this.#client?.endAsync(true)
  }

  get #connected(): NotaryClient {
    if (this.#client === undefined) throw new Error('not connected')
    return this.#client
  }
}

/** What does not come fails the test instead of holding it up. */
async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited for ${what}`)), longestWaitMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function heardOf({ payload, verified, unverified, encrypted, undecrypted }: IncomingMessage): Heard {
  return {
    text: new TextDecoder().decode(payload),
    ...(verified === undefined ? undefined : { subject: verified.subject, kid: verified.kid }),
    ...(unverified === undefined ? undefined : { unverified }),
    encrypted,
    ...(undecrypted === undefined ? undefined : { undecrypted }),
  }
}
