import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cipherByTopic,
  connectAsync,
  type EncryptionContext,
  type KeyStore,
  type NotaryClientOptions,
  PairwiseCipher,
  parsePreSharedKeys,
  preSharedKeyCipher,
  type Signer,
} from '../../../clients/sdk/index.ts'

/** Never called: the compiler checks it with everything else, and each expected error has to be one. */
export async function isChecked(signer: Signer, memory: KeyStore): Promise<void> {
  const door = (context: EncryptionContext) =>
    PairwiseCipher.start({ ...context, own: signer.thumbprint, peer: signer.thumbprint, topics: ['door/#'] })
  const options: NotaryClientOptions = { identity: signer, mac: true, clean: false, accept: 'verified' }
  const client = await connectAsync('mqtt://broker', options)
  client.on('message', (topic, payload, message) => {
    const text: string = topic
    const bytes: Uint8Array = payload
    const who: string | undefined = message.verified?.subject
    // @ts-expect-error whether it is verified has to be asked first
    const seq: number = message.verified.seq
    assert.ok([text, bytes, who, seq])
  })
  client.on('equivocation', ({ cause }) => {
    // @ts-expect-error there is no such cause
    assert.ok(cause === 'other')
  })
  // @ts-expect-error there is no such event
  client.on('nonsense', () => {})
  // @ts-expect-error a listener is called with no more than this
  client.on('close', (error: Error) => assert.ok(error))
  // @ts-expect-error the time of a signature is nobody's to set
  await client.publishAsync('a', 'x', { timeMs: 0 })
  const encryption = preSharedKeyCipher({ keys: parsePreSharedKeys('shop:00'), topics: ['shop/#'], memory })
  await connectAsync('mqtt://broker', { encryption: async (context) => cipherByTopic(encryption, await door(context)) })
  // @ts-expect-error a cipher has to come of it
  await connectAsync('mqtt://broker', { encryption: async () => undefined })
  // @ts-expect-error there are two policies
  await connectAsync('mqtt://broker', { accept: 'some' })
  // @ts-expect-error a payload is text or bytes
  await client.publishAsync('a', { value: 1 })
}

test('the types of the public API are checked where this file is compiled', () => {
  assert.equal(isChecked.length, 2)
})
