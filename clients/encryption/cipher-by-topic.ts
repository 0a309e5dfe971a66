import type { MessageCipher } from './message-cipher.ts'
import { noKey } from './shared-key-cipher.ts'

/** Several ciphers as one: the first that covers a topic encrypts and decrypts its messages. */
export function cipherByTopic(...ciphers: readonly MessageCipher[]): MessageCipher {
  const cipherOf = (topic: string) => ciphers.find((cipher) => cipher.covers(topic))
  const neededCipher = (topic: string) => {
    const cipher = cipherOf(topic)
    if (cipher === undefined) throw noKey(topic)
    return cipher
  }
  return {
    covers: (topic) => cipherOf(topic) !== undefined,
    seal: async (topic, payload, sender) => neededCipher(topic).seal(topic, payload, sender),
    open: async (topic, message, sender) => neededCipher(topic).open(topic, message, sender),
  }
}
