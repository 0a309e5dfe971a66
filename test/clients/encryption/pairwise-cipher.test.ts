import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type KeyMessage, PairwiseCipher } from '../../../clients/encryption/index.ts'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { pairwiseTopic, parseEncrypt0, toBase64url, toHex, utf8 } from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { isClientError } from '../../helpers/client-codes.ts'
import { key11, keyMeriadoc, numberedKey, type TestKey } from '../../helpers/keys.ts'
import { SignedTransport } from '../../helpers/signed-transport.ts'

const [alice, bob, mallory] = [key11, keyMeriadoc, numberedKey(7)]
const believed = [alice, bob, mallory]
const topics = ['door/#']

async function startSide(t: TestContext, port: number, own: TestKey, peer: TestKey, firstSeq = 0) {
  const transport = await SignedTransport.connect(t, port, own, believed, firstSeq)
  const errors: unknown[] = []
  await transport.subscribe('door/#')
  const cipher = await PairwiseCipher.start({
    own: own.thumbprint,
    peer: peer.thumbprint,
    topics,
    transport,
    onError: (error) => errors.push(error),
    crypto: nativeCrypto,
  })
  return { transport, cipher, errors }
}

test('two clients agree on a key over topics and read each other', async (t) => {
  const { port } = await startBroker(t)
  const one = await startSide(t, port, alice, bob)
  await assert.rejects(
    one.cipher.seal('door/1', utf8('open'), alice.thumbprint),
    isClientError('ERR_NO_ENCRYPTION_KEY'),
  )
  const two = await startSide(t, port, bob, alice)
  await Promise.all([one.cipher.whenReady(), two.cipher.whenReady()])
  await one.transport.send(one.cipher, 'door/1', 'open')
  assert.equal(await two.transport.text(two.cipher, 'door/1'), 'open')
  await two.transport.send(two.cipher, 'door/answer', 'opened')
  assert.equal(await one.transport.text(one.cipher, 'door/answer'), 'opened')
  // Each reads what it sent itself, too.
  assert.equal(await one.transport.text(one.cipher, 'door/1'), 'open')
  assert.deepEqual([one.errors, two.errors], [[], []])
})

test('a restarted client brings a new key, and the other goes over to it', async (t) => {
  const { port } = await startBroker(t)
  const one = await startSide(t, port, alice, bob)
  const two = await startSide(t, port, bob, alice)
  await Promise.all([one.cipher.whenReady(), two.cipher.whenReady()])
  await one.transport.send(one.cipher, 'door/1', 'before')
  const before = await two.transport.message('door/1')
  two.cipher.close()
  await two.transport.client.end()

  const again = await startSide(t, port, bob, alice, 1000)
  await again.cipher.whenReady()
  await again.transport.send(again.cipher, 'door/2', 'back')
  assert.equal(await one.transport.text(one.cipher, 'door/2'), 'back')
  await one.transport.send(one.cipher, 'door/3', 'after')
  assert.equal(await again.transport.text(again.cipher, 'door/3'), 'after')
  const after = await again.transport.message('door/3')
  assert.notEqual(toHex(parseEncrypt0(before.payload).keyId), toHex(parseEncrypt0(after.payload).keyId))
  // Forward secrecy: who has all long-term keys and all messages, but not the memory of then, reads nothing.
  await assert.rejects(
    again.cipher.open('door/1', before.payload, alice.thumbprint),
    isClientError('ERR_NO_ENCRYPTION_KEY'),
  )
})

test('only the two encrypt and decrypt, and only what they sign', async (t) => {
  const { port } = await startBroker(t)
  const one = await startSide(t, port, alice, bob)
  const two = await startSide(t, port, bob, alice)
  await Promise.all([one.cipher.whenReady(), two.cipher.whenReady()])
  for (const sender of [undefined, mallory.thumbprint]) {
    await assert.rejects(one.cipher.seal('door/1', utf8('x'), sender), isClientError('ERR_NO_ENCRYPTION_KEY'))
  }
  const message = await one.cipher.seal('door/1', utf8('x'), alice.thumbprint)
  await assert.rejects(two.cipher.open('door/1', message, bob.thumbprint), isClientError('ERR_NOT_DECRYPTED'))
  await assert.rejects(two.cipher.open('door/1', message, undefined), isClientError('ERR_NO_ENCRYPTION_KEY'))
})

/** A transport by hand: what is published is collected, what comes is given. */
function manualTransport() {
  const listeners: ((message: KeyMessage) => void)[] = []
  const published: { readonly topic: string; readonly payload: Uint8Array }[] = []
  return {
    published,
    give: (topic: string, payload: Uint8Array, from: TestKey | undefined, repeated = false) => {
      const verified = from && { kid: toBase64url(from.thumbprint), repeated }
      for (const listener of listeners) listener({ topic, payload, verified })
    },
    publish: async (topic: string, payload: Uint8Array) => {
      published.push({ topic, payload })
    },
    subscribe: async () => {},
    onMessage: (listener: (message: KeyMessage) => void) => {
      listeners.push(listener)
      return () => {}
    },
  }
}

async function manualSide(own: TestKey, peer: TestKey) {
  const transport = manualTransport()
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const options = { own: own.thumbprint, peer: peer.thumbprint, topics, transport, onError, crypto: nativeCrypto }
  return { transport, errors, cipher: await PairwiseCipher.start(options) }
}

/** Lets everything that waits for nothing from outside happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('an offer that is unsigned, signed by somebody else or played again is not answered', async () => {
  const { transport } = await manualSide(bob, alice)
  const initiator = await manualSide(alice, bob)
  const [offer] = initiator.transport.published
  assert.ok(offer !== undefined && offer.topic === pairwiseTopic(bob.thumbprint, alice.thumbprint, 'offer'))
  for (const [from, repeated] of [
    [undefined, false],
    [mallory, false],
    [alice, true],
  ] as const) {
    transport.give(offer.topic, offer.payload, from, repeated)
    await settle()
    assert.equal(transport.published.length, 1)
  }
  transport.give(offer.topic, offer.payload, alice)
  await settle()
  assert.equal(transport.published[1]?.topic, pairwiseTopic(bob.thumbprint, alice.thumbprint, 'answer'))
})

test('a responder encrypts nothing under a key before the initiator has confirmed it', async () => {
  const responder = await manualSide(bob, alice)
  const initiator = await manualSide(alice, bob)
  const [offer] = initiator.transport.published
  assert.ok(offer !== undefined)
  responder.transport.give(offer.topic, offer.payload, alice)
  await settle()
  const seal = () => responder.cipher.seal('door/1', utf8('x'), bob.thumbprint)
  await assert.rejects(seal(), isClientError('ERR_NO_ENCRYPTION_KEY'))
  const answer = responder.transport.published[1]
  assert.ok(answer !== undefined)
  initiator.transport.give(answer.topic, answer.payload, bob)
  await initiator.cipher.whenReady()
  await settle()
  const confirmation = initiator.transport.published[1]
  assert.ok(confirmation !== undefined)
  assert.equal(confirmation.topic, pairwiseTopic(bob.thumbprint, alice.thumbprint, 'confirm'))
  const forged = confirmation.payload.with(-1, (confirmation.payload.at(-1) ?? 0) ^ 1)
  responder.transport.give(confirmation.topic, forged, alice)
  await settle()
  assert.ok(isClientError('ERR_NOT_DECRYPTED')(responder.errors[0]))
  await assert.rejects(seal(), isClientError('ERR_NO_ENCRYPTION_KEY'))
  responder.transport.give(confirmation.topic, confirmation.payload, alice)
  await responder.cipher.whenReady()
  assert.equal((await initiator.cipher.open('door/1', await seal(), bob.thumbprint)).length, 1)
})

test('an answer to another offer is passed over, and one that is malformed is told', async () => {
  const responder = await manualSide(bob, alice)
  const [first, second] = [await manualSide(alice, bob), await manualSide(alice, bob)]
  const [offer] = first.transport.published
  assert.ok(offer !== undefined)
  responder.transport.give(offer.topic, offer.payload, alice)
  await settle()
  const answer = responder.transport.published[1]
  assert.ok(answer !== undefined)
  second.transport.give(answer.topic, answer.payload, bob)
  second.transport.give(answer.topic, utf8('nonsense'), bob)
  await settle()
  assert.equal(second.transport.published.length, 1)
  assert.equal(second.errors.length, 1)
})
