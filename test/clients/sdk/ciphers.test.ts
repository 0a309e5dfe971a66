import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  type EncryptionContext,
  MemoryKeyStore,
  type NotaryClientOptions,
  PairwiseCipher,
  TopicKeyOwner,
  TopicKeySubscriber,
} from '../../../clients/sdk/index.ts'
import { toBase64url } from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { Inbox, keyringOf, sdkClient, signerOf, textOf } from '../../helpers/sdk.ts'

const [ann, ben] = [numberedKey(71), numberedKey(72)]
const keyring = keyringOf({ ann, ben })
const filter = 'plant/#'

/** Ann's end, with the key of `plant/#`. */
async function startOwner(t: TestContext, port: number) {
  const started: TopicKeyOwner[] = []
  const client = await sdkClient(t, port, {
    identity: signerOf(ann),
    encryption: async (context) => {
      const owner = await TopicKeyOwner.start({ ...context, filter, own: publicOf(ann) })
      started.push(owner)
      return owner.cipher
    },
  })
  return { client, owner: started[0] ?? assert.fail('not made') }
}

const takeKeys = async (context: EncryptionContext) => {
  const options = { ...context, filter, owner: ann.thumbprint, own: signerOf(ben) }
  return (await TopicKeySubscriber.start(options)).cipher
}

/** Encrypts nothing. */
const silentCipher = {
  covers: () => false,
  seal: () => assert.fail('nothing is covered'),
  open: async (_topic: string, message: Uint8Array) => message,
}

test('two clients agree on a pairwise key over themselves, and their applications see only what is meant for them', async (t) => {
  const { port } = await startBroker(t)
  const ciphers: PairwiseCipher[] = []
  const connect = async (own: typeof ann, peer: typeof ann) => {
    const client = await sdkClient(t, port, {
      identity: signerOf(own),
      keyring,
      encryption: async (context) => {
        const pair = { own: own.thumbprint, peer: peer.thumbprint, topics: ['door/#'] }
        const cipher = await PairwiseCipher.start({ ...context, ...pair })
        ciphers.push(cipher)
        return cipher
      },
    })
    const inbox = new Inbox(client)
    await client.subscribeAsync('door/#', { qos: 1 })
    return { client, inbox }
  }
  const [one, other] = [await connect(ann, ben), await connect(ben, ann)]
  await Promise.all(ciphers.map((cipher) => cipher.whenReady()))
  await one.client.publishAsync('door/1', 'open', { qos: 1 })
  await other.client.publishAsync('door/2', 'opened', { qos: 1 })
  for (const { inbox } of [one, other]) {
    assert.deepEqual(
      (await inbox.first(2)).map(({ topic, payload, verified }) => [topic, textOf(payload), verified?.subject]),
      [
        ['door/1', 'open', 'ann'],
        ['door/2', 'opened', 'ben'],
      ],
    )
  }
})

test('whoever comes back to a session reads what waited there, each message with the key that came before it', async (t) => {
  const { port } = await startBroker(t)
  const { client: sender, owner } = await startOwner(t, port)
  await owner.add(ben)
  const session: NotaryClientOptions = {
    clientId: 'ben',
    identity: signerOf(ben),
    keyring,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
    keyStore: new MemoryKeyStore(),
    encryption: takeKeys,
  }
  const before = await sdkClient(t, port, session)
  await before.subscribeAsync(filter, { qos: 1 })
  await before.endAsync()
  const texts = Array.from({ length: 10 }, (_, i) => `message ${i}`)
  for (const text of texts) {
    await owner.rotate()
    await sender.publishAsync('plant/1', text, { qos: 1 })
  }
  const inbox = new Inbox(await sdkClient(t, port, session))
  const messages = await inbox.first(texts.length)
  assert.deepEqual(
    messages.map(({ topic, payload, undecrypted }) => [topic, textOf(payload), undecrypted]),
    texts.map((text) => ['plant/1', text, undefined]),
  )
})

test('key messages that no cipher asked for are for the application, as any other', async (t) => {
  const { port } = await startBroker(t)
  await startOwner(t, port)
  const watcher = await sdkClient(t, port, { keyring, encryption: () => silentCipher })
  const inbox = new Inbox(watcher)
  await watcher.subscribeAsync('notarymq/#', { qos: 1 })
  const [message] = await inbox.first(1)
  assert.equal(message?.topic, `notarymq/topic-key/${toBase64url(ann.thumbprint)}/plant%2F%23`)
  assert.equal(message?.verified?.subject, 'ann')
})

test('key messages need somebody who signs and somebody who is believed, and a broker that takes the subscription', async (t) => {
  const { port } = await startBroker(t)
  for (const [options, code] of [
    [{ keyring, encryption: (context) => takeOwnership(context) }, 'ERR_OPTIONS'],
    [{ identity: signerOf(ben), encryption: takeKeys }, 'ERR_OPTIONS'],
    [{ keyring, encryption: (context) => subscribeTo(context, '$notary/rejected/somebody') }, 'ERR_REFUSED'],
  ] satisfies [NotaryClientOptions, string][]) {
    await assert.rejects(sdkClient(t, port, options), { code })
  }
})

async function takeOwnership(context: EncryptionContext) {
  return (await TopicKeyOwner.start({ ...context, filter, own: publicOf(ann) })).cipher
}

async function subscribeTo({ transport }: EncryptionContext, topic: string) {
  await transport.subscribe(topic)
  return silentCipher
}

test('a cipher that cannot be made is told by connectAsync, and so is a connection that is lost meanwhile', async (t) => {
  const { broker, port } = await startBroker(t)
  const failing = sdkClient(t, port, { encryption: () => Promise.reject(new RangeError('no key')) })
  await assert.rejects(failing, RangeError)
  const waiting = sdkClient(t, port, {
    encryption: async () => {
      broker.close()
      return new Promise(() => {})
    },
  })
  await assert.rejects(waiting, { code: 'ERR_CONNECTION' })
})

test('what goes wrong in a cipher is an error of the client, as long as it is not ended', async (t) => {
  const { port } = await startBroker(t)
  const contexts: EncryptionContext[] = []
  const client = await sdkClient(t, port, {
    encryption: (context) => {
      contexts.push(context)
      return silentCipher
    },
  })
  const told: string[] = []
  client.on('error', ({ message }) => told.push(message))
  contexts[0]?.onError(new Error('first'))
  await client.endAsync()
  contexts[0]?.onError(new Error('second'))
  assert.deepEqual(told, ['first'])
})
