import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type KeyMessage, TopicKeyOwner, TopicKeySubscriber } from '../../../clients/encryption/index.ts'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  type P256PublicKey,
  parseEncrypt,
  parseEncrypt0,
  toBase64url,
  toHex,
  topicKeyTopic,
  utf8,
} from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { isClientError } from '../../helpers/client-codes.ts'
import { TestMemory } from '../../helpers/encryption-memory.ts'
import { key11, keyMeriadoc, numberedKey, type TestKey } from '../../helpers/keys.ts'
import { SignedTransport } from '../../helpers/signed-transport.ts'

const [owner, ann, ben] = [key11, keyMeriadoc, numberedKey(5)]
const believed = [owner, ann, ben]
const filter = 'plant/#'
const keyTopic = topicKeyTopic(owner.thumbprint, filter)

const agreementOf = (own: TestKey) => ({
  thumbprint: own.thumbprint,
  agree: async (publicKey: P256PublicKey) => nativeCrypto.ecdhP256(own, publicKey),
})

const ownerOn = (transport: Pick<SignedTransport, 'publish'>, memory = new TestMemory()) =>
  TopicKeyOwner.start({ filter, own: owner, transport, memory, crypto: nativeCrypto })

async function subscriberOn(t: TestContext, port: number, own: TestKey, memory = new TestMemory()) {
  const transport = await SignedTransport.connect(t, port, own, believed, Date.now())
  const errors: unknown[] = []
  const subscriber = await TopicKeySubscriber.start({
    filter,
    owner: owner.thumbprint,
    own: agreementOf(own),
    transport,
    memory,
    onError: (error) => errors.push(error),
    crypto: nativeCrypto,
  })
  await transport.subscribe(filter)
  return { transport, subscriber, cipher: subscriber.cipher, errors }
}

test('subscribers that come before and after the key message read each other and the owner', async (t) => {
  const { port } = await startBroker(t)
  const early = await subscriberOn(t, port, ann)
  await assert.rejects(early.cipher.seal('plant/1', utf8('x'), ann.thumbprint), isClientError('ERR_NO_ENCRYPTION_KEY'))
  const transport = await SignedTransport.connect(t, port, owner, believed)
  const keys = await ownerOn(transport)
  await keys.add(ann)
  await early.subscriber.whenReady()
  await keys.add(ben)
  const late = await subscriberOn(t, port, ben)
  await late.subscriber.whenReady()

  await transport.send(keys.cipher, 'plant/1', 'from the owner')
  await early.transport.send(early.cipher, 'plant/2', 'from ann')
  for (const { transport: own, cipher } of [early, late]) {
    assert.equal(await own.text(cipher, 'plant/1'), 'from the owner')
    assert.equal(await own.text(cipher, 'plant/2'), 'from ann')
  }
  const { payload } = await late.transport.message('plant/2')
  assert.equal(Buffer.from(await keys.cipher.open('plant/2', payload, ann.thumbprint)).toString(), 'from ann')
  assert.deepEqual([early.errors, late.errors], [[], []])
})

test('who is taken out reads what came before and nothing after, and encrypts no more; the others read both', async (t) => {
  const { port } = await startBroker(t)
  const transport = await SignedTransport.connect(t, port, owner, believed)
  const keys = await ownerOn(transport)
  await keys.add(ann)
  await keys.add(ben)
  const [stays, leaves] = [await subscriberOn(t, port, ann), await subscriberOn(t, port, ben)]
  await Promise.all([stays.subscriber.whenReady(), leaves.subscriber.whenReady()])
  await transport.send(keys.cipher, 'plant/1', 'before')
  await keys.remove(ben)
  await transport.send(keys.cipher, 'plant/1', 'after')

  assert.equal(await stays.transport.text(stays.cipher, 'plant/1', 1), 'before')
  assert.equal(await stays.transport.text(stays.cipher, 'plant/1', 2), 'after')
  assert.equal(await leaves.transport.text(leaves.cipher, 'plant/1', 1), 'before')
  await assert.rejects(leaves.transport.text(leaves.cipher, 'plant/1', 2), isClientError('ERR_NO_ENCRYPTION_KEY'))
  await assert.rejects(leaves.cipher.seal('plant/1', utf8('x'), ben.thumbprint), isClientError('ERR_NO_ENCRYPTION_KEY'))
  assert.deepEqual(
    keys.subscribers.map(({ x }) => toHex(x)),
    [toHex(ann.x)],
  )
})

/** A transport by hand: key messages are collected by the owner, and given to a subscriber in any order. */
function manual() {
  const listeners: ((message: KeyMessage) => void)[] = []
  const published: Uint8Array[] = []
  return {
    published,
    publish: async (_topic: string, payload: Uint8Array) => {
      published.push(payload)
    },
    subscribe: async () => {},
    onMessage: (listener: (message: KeyMessage) => void) => {
      listeners.push(listener)
      return () => {}
    },
    give: async (payload: Uint8Array | undefined, from: TestKey | 'nobody' = owner, topic = keyTopic) => {
      assert.ok(payload !== undefined)
      const verified = from === 'nobody' ? undefined : { kid: toBase64url(from.thumbprint), repeated: false }
      for (const listener of listeners) listener({ topic, payload, verified })
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

async function manualSubscriber(memory = new TestMemory(), own = ann) {
  const transport = manual()
  const errors: unknown[] = []
  const subscriber = await TopicKeySubscriber.start({
    filter,
    owner: owner.thumbprint,
    own: agreementOf(own),
    transport,
    memory,
    onError: (error) => errors.push(error),
    crypto: nativeCrypto,
  })
  const canRead = async (message: Uint8Array) => {
    try {
      await subscriber.cipher.open('plant/1', message, owner.thumbprint)
      return true
    } catch (error) {
      assert.ok(isClientError('ERR_NO_ENCRYPTION_KEY')(error))
      return false
    }
  }
  return { transport, errors, cipher: subscriber.cipher, canRead }
}

const sealed = (keys: TopicKeyOwner) => keys.cipher.seal('plant/1', utf8('x'), owner.thumbprint)

test('an older key message that a broker plays again changes nothing, neither before nor after a restart', async () => {
  const transport = manual()
  const keys = await ownerOn(transport)
  await keys.add(ann)
  await keys.rotate()
  const [, older, newer] = transport.published
  const memory = new TestMemory()
  const ring = await manualSubscriber(memory)
  await ring.transport.give(newer)
  await ring.transport.give(older)
  const again = await manualSubscriber(memory)
  await again.transport.give(older)
  const newest = toHex(parseEncrypt(newer ?? utf8('')).keyId)
  for (const { cipher, canRead, errors } of [ring, again]) {
    const message = await cipher.seal('plant/1', utf8('x'), ann.thumbprint)
    assert.ok(toHex(message).includes(newest))
    assert.equal(await canRead(await sealed(keys)), true)
    assert.deepEqual(errors, [])
  }
})

test('a key message that is unsigned, signed by another key, on another topic or for another filter is not taken', async () => {
  const transport = manual()
  const keys = await ownerOn(transport)
  await keys.add(ann)
  const message = transport.published[1]
  const other = manual()
  const elsewhere = await TopicKeyOwner.start({
    filter: 'home/#',
    own: owner,
    transport: other,
    memory: new TestMemory(),
    crypto: nativeCrypto,
  })
  await elsewhere.add(ann)
  const ring = await manualSubscriber()
  await ring.transport.give(message, 'nobody')
  await ring.transport.give(message, ben)
  await ring.transport.give(message, owner, topicKeyTopic(owner.thumbprint, 'home/#'))
  assert.deepEqual(ring.errors, [])
  // Signed by the owner for this topic, but made for another: the encryption is bound to it as well.
  await ring.transport.give(other.published[1])
  await ring.transport.give(utf8('nonsense'))
  assert.equal(ring.errors.length, 2)
  assert.equal(await ring.canRead(await sealed(keys)), false)
  await ring.transport.give(message)
  assert.equal(await ring.canRead(await sealed(keys)), true)
})

test('a subscriber that is added again, in the same epoch, reads; a message without it does not take its key away', async () => {
  const transport = manual()
  const keys = await ownerOn(transport)
  await keys.add(ann)
  const [withoutAnn, withAnn] = transport.published
  const ring = await manualSubscriber()
  await ring.transport.give(withoutAnn)
  assert.equal(await ring.canRead(await sealed(keys)), false)
  await ring.transport.give(withAnn)
  assert.equal(await ring.canRead(await sealed(keys)), true)
  await ring.transport.give(withoutAnn)
  assert.equal(await ring.canRead(await sealed(keys)), true)
})

test('an owner that starts again goes on with its key and subscribers, and publishes them again', async () => {
  const memory = new TestMemory()
  const first = manual()
  const keys = await ownerOn(first, memory)
  await keys.add(ann)
  await keys.add(ann)
  const message = await sealed(keys)
  const second = manual()
  const again = await ownerOn(second, memory)
  assert.equal(second.published.length, 1)
  assert.equal((await again.cipher.open('plant/1', message, owner.thumbprint)).length, 1)
  assert.deepEqual(
    again.subscribers.map(({ x }) => toHex(x)),
    [toHex(ann.x)],
  )
})

test('an owner that lost its key store makes a key that its subscribers take for newer', async () => {
  const [first, second] = [manual(), manual()]
  const keys = await ownerOn(first)
  await keys.add(ann)
  await keys.rotate()
  const ring = await manualSubscriber()
  for (const message of first.published) await ring.transport.give(message)
  await new Promise((resolve) => setTimeout(resolve, 5))
  const renewed = await ownerOn(second)
  await renewed.add(ann)
  for (const message of second.published) await ring.transport.give(message)
  assert.equal(await ring.canRead(await sealed(renewed)), true)
})

test('a change that could not be published fails, and yet nobody who was taken out reads what follows', async () => {
  const transport = manual()
  let isBroken = false
  const failing = {
    publish: async (topic: string, payload: Uint8Array) => {
      if (isBroken) throw new Error('no connection')
      await transport.publish(topic, payload)
    },
  }
  const keys = await ownerOn(failing)
  await keys.add(ann)
  const ring = await manualSubscriber()
  await ring.transport.give(transport.published.at(-1))
  isBroken = true
  await assert.rejects(keys.remove(ann), /no connection/)
  assert.equal(await ring.canRead(await sealed(keys)), false)
  isBroken = false
  await keys.add(ben)
  assert.equal(parseEncrypt(transport.published.at(-1) ?? utf8('')).recipients.length, 2)
})

test('two processes with one key store never give a filter two keys of one epoch', async () => {
  const memory = new TestMemory()
  const [one, two] = await Promise.all([ownerOn(manual(), memory), ownerOn(manual(), memory)])
  await Promise.all([one.add(ann), two.add(ben), one.rotate(), two.rotate()])
  await one.add(ann)
  await two.add(ben)
  const message = await sealed(one)
  const ids = [message, await sealed(two)].map((sealedMessage) => toHex(parseEncrypt0(sealedMessage).keyId))
  assert.equal(ids[0], ids[1])
  assert.equal(one.subscribers.length, 2)
  assert.equal((await two.cipher.open('plant/1', message, owner.thumbprint)).length, 1)
})

test('a key store that has something else in place of topic keys is refused', async () => {
  const memory = new TestMemory()
  const name = topicKeyTopic(owner.thumbprint, filter)
  for (const wrong of [utf8('nonsense'), Uint8Array.of(0x83, 1, 0xa0, 0x81, 0xa0), Uint8Array.of(0x82, 1, 0xa0)]) {
    memory.values.set(name, wrong)
    await assert.rejects(ownerOn(manual(), memory), isClientError('ERR_ENCRYPTION_KEYS'))
    await assert.rejects(manualSubscriber(memory), isClientError('ERR_ENCRYPTION_KEYS'))
  }
})
