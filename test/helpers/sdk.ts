import type { TestContext } from 'node:test'
import type { IncomingMessage } from '../../clients/sdk/incoming-message.ts'
import { connectAsync, Keyring, MemoryKeyStore, type NotaryClient, softwareSigner } from '../../clients/sdk/index.ts'
import type { NotaryClientOptions } from '../../clients/sdk/options.ts'
import { nobleCrypto, type P256PublicKey } from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'
import { publicPem } from './key-files.ts'
import type { TestKey } from './keys.ts'

/** The versions that the SDK speaks. */
export const sdkVersions = [
  { name: 'MQTT 3.1.1', protocolVersion: 4 },
  { name: 'MQTT 5', protocolVersion: 5 },
] as const

/** A client of the SDK that forgets everything, ended with the test. */
export async function sdkClient(
  t: TestContext,
  port: number,
  options: NotaryClientOptions = {},
): Promise<NotaryClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    keyStore: new MemoryKeyStore(),
    reconnectPeriod: 20,
    ...options,
  })
  atEnd(t, () => client.endAsync(true))
  return client
}

export function signerOf(key: TestKey) {
  return softwareSigner(key, nobleCrypto)
}

/** A keyring with keys by their names. */
export function keyringOf(keys: Readonly<Record<string, P256PublicKey>>): Keyring {
  const keyring = new Keyring()
  for (const [name, key] of Object.entries(keys)) keyring.add(name, publicPem(key))
  return keyring
}

/** Messages of a client as they come. */
export class Inbox {
  readonly messages: IncomingMessage[] = []
  readonly #waiting = new Set<() => void>()

  constructor(client: NotaryClient, event: 'message' | 'dropped' = 'message') {
    const take = (message: IncomingMessage) => {
      this.messages.push(message)
      for (const look of this.#waiting) look()
    }
    if (event === 'message') client.on('message', (_topic, _payload, message) => take(message))
    else client.on('dropped', take)
  }

  /** Resolves with all there are when there are so many. */
  async first(count: number): Promise<readonly IncomingMessage[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        const look = () => {
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    }
    return this.messages
  }
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
