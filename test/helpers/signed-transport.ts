import type { TestContext } from 'node:test'
import type { KeyMessage, KeyTransport, MessageCipher } from '../../clients/encryption/index.ts'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  externalAad,
  isKidOf,
  ProtocolError,
  parseAttachedEnvelope,
  toBase64url,
  verifySign1,
} from '../../protocol/index.ts'
import type { TestKey } from './keys.ts'
import { TestClient } from './mqtt-clients.ts'
import { Signer } from './signing.ts'

/** A client that signs what it publishes and verifies what comes, in the order in which it comes. */
export class SignedTransport implements KeyTransport {
  readonly client: TestClient
  readonly key: TestKey
  /** Everything that came. */
  readonly received: (KeyMessage & { readonly sender: Uint8Array | undefined })[] = []
  readonly #signer: Signer
  readonly #listeners = new Set<(message: KeyMessage) => void>()
  readonly #waiting = new Set<() => void>()

  private constructor(client: TestClient, key: TestKey, believed: readonly TestKey[], firstSeq: number) {
    this.client = client
    this.key = key
    this.#signer = new Signer(key)
    this.#signer.seq = firstSeq
    let work: Promise<void> = Promise.resolve()
    client.mqtt.on('message', (topic, payload) => {
      work = work.then(async () => {
        const message = await verified(topic, payload, believed)
        this.received.push(message)
        for (const listener of this.#listeners) listener(message)
        for (const look of this.#waiting) look()
      })
    })
  }

  /** @param firstSeq above the numbers that the key used before */
  static async connect(
    t: TestContext,
    port: number,
    key: TestKey,
    believed: readonly TestKey[],
    firstSeq = 0,
  ): Promise<SignedTransport> {
    return new SignedTransport(await TestClient.connect(t, port), key, believed, firstSeq)
  }

  async publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1 | 2; readonly retain: boolean },
  ): Promise<void> {
    const code = await this.client.publish(topic, this.#signer.sign(topic, payload), options)
    if (code >= 0x80) throw new Error(`refused with ${code}`)
  }

  async subscribe(filter: string): Promise<void> {
    await this.client.subscribe(filter, 1)
  }

  onMessage(listener: (message: KeyMessage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Signs and sends what the cipher makes of a text. */
  async send(cipher: MessageCipher, topic: string, text: string, retain = false): Promise<void> {
    const message = await cipher.seal(topic, Buffer.from(text), this.key.thumbprint)
    await this.publish(topic, message, { qos: 1, retain })
  }

  /** Waits for the message of this number on a topic. */
  async message(topic: string, number = 1): Promise<SignedTransport['received'][number]> {
    for (;;) {
      const found = this.received.filter((message) => message.topic === topic)[number - 1]
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** Waits for it and decrypts it. */
  async text(cipher: MessageCipher, topic: string, number = 1): Promise<string> {
    const { payload, sender } = await this.message(topic, number)
    return Buffer.from(await cipher.open(topic, payload, sender)).toString()
  }
}

async function verified(
  topic: string,
  payload: Uint8Array,
  believed: readonly TestKey[],
): Promise<SignedTransport['received'][number]> {
  const envelope = parseAttachedEnvelope(payload)
  if (envelope === undefined) return { topic, payload, sender: undefined }
  const key = believed.find(({ thumbprint }) => isKidOf(envelope.kid, thumbprint))
  if (key === undefined) return { topic, payload: envelope.payload, sender: undefined }
  try {
    await verifySign1(envelope.sign1, key, externalAad(topic), nativeCrypto)
  } catch (error) {
    if (error instanceof ProtocolError) return { topic, payload: envelope.payload, sender: undefined }
    throw error
  }
  const kid = toBase64url(key.thumbprint)
  return { topic, payload: envelope.payload, sender: key.thumbprint, verified: { kid, repeated: false } }
}
