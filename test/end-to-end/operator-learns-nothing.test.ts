import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  PairwiseCipher,
  parsePreSharedKeys,
  preSharedKeyCipher,
  recipientsCipher,
  TopicKeyOwner,
  TopicKeySubscriber,
} from '../../clients/encryption/index.ts'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { type P256PublicKey, toHex } from '../../protocol/index.ts'
import { spawnBroker } from '../helpers/broker.ts'
import { TestMemory } from '../helpers/encryption-memory.ts'
import { key11, keyMeriadoc } from '../helpers/keys.ts'
import { foundInDirectory, foundInMemory } from '../helpers/process-memory.ts'
import { recordingCrypto } from '../helpers/recording-crypto.ts'
import { SignedTransport } from '../helpers/signed-transport.ts'

const [alice, bob] = [key11, keyMeriadoc]

/** A secret as it would be written down: as bytes, in hexadecimal and in base64. */
function spellings(name: string, secret: Uint8Array): [string, Uint8Array][] {
  const bytes = Buffer.from(secret)
  return [
    [`${name}, raw`, bytes],
    [`${name}, hex`, Buffer.from(bytes.toString('hex'))],
    [`${name}, HEX`, Buffer.from(bytes.toString('hex').toUpperCase())],
    // Without the last digits, which depend on padding.
    [`${name}, base64`, Buffer.from(bytes.toString('base64').slice(0, -4))],
    [`${name}, base64url`, Buffer.from(bytes.toString('base64url').slice(0, -3))],
  ]
}

test('who has disk and memory of the broker finds no payload and no key of what is encrypted end to end', async (t) => {
  if (process.platform !== 'linux') {
    t.skip('the memory of another process is read the way Linux has it')
    return
  }
  const { port, location, child } = await spawnBroker(t)
  const crypto = recordingCrypto(nativeCrypto)
  const [one, two] = [
    await SignedTransport.connect(t, port, alice, [alice, bob]),
    await SignedTransport.connect(t, port, bob, [alice, bob]),
  ]
  for (const filter of ['psk/#', 'pair/#', 'plant/#', 'reader/#']) await two.subscribe(filter)
  const unexpected = (error: unknown) => assert.fail(String(error))

  const preShared = randomBytes(32)
  const keys = parsePreSharedKeys(`shop:${toHex(preShared)}`)
  const psk = preSharedKeyCipher({ keys, topics: ['psk/#'], memory: new TestMemory(), crypto })

  const pairwise = { topics: ['pair/#'], onError: unexpected, crypto }
  const [a, b] = [alice.thumbprint, bob.thumbprint]
  const pairAtBob = await PairwiseCipher.start({ ...pairwise, own: b, peer: a, transport: two })
  const pairAtAlice = await PairwiseCipher.start({ ...pairwise, own: a, peer: b, transport: one })
  await Promise.all([pairAtBob.whenReady(), pairAtAlice.whenReady()])

  const bobReads = { thumbprint: b, agree: async (publicKey: P256PublicKey) => crypto.ecdhP256(bob, publicKey) }
  const forBob = recipientsCipher({ recipients: [bob], own: undefined, crypto })
  const atBob = recipientsCipher({ recipients: [], own: bobReads, crypto })

  const filter = 'plant/#'
  const owner = await TopicKeyOwner.start({ filter, own: alice, transport: one, memory: new TestMemory(), crypto })
  await owner.add(bob)
  const subscriber = await TopicKeySubscriber.start({
    filter,
    owner: a,
    own: bobReads,
    transport: two,
    memory: new TestMemory(),
    onError: unexpected,
    crypto,
  })
  await subscriber.whenReady()

  const needles = new Map<string, Uint8Array>()
  for (const [topic, sealing, opening] of [
    ['psk/1', psk, psk],
    ['pair/1', pairAtAlice, pairAtBob],
    ['plant/1', owner.cipher, subscriber.cipher],
    ['reader/1', forBob, atBob],
  ] as const) {
    const secret = `the payload of ${topic} is ${randomBytes(12).toString('hex')}`
    needles.set(`payload of ${topic}`, Buffer.from(secret))
    // Retained: the broker keeps it on disk, and in memory what it needs.
    await one.send(sealing, topic, secret, true)
    assert.equal(await two.text(opening, topic), secret)
  }
  const all = [preShared, alice.d, bob.d, ...crypto.secrets.map((secret) => secret.subarray(0, 32))]
  const secrets = [...new Map(all.map((secret) => [toHex(secret), secret])).values()]
  for (const [at, secret] of secrets.entries())
    for (const entry of spellings(`secret ${at}`, secret)) needles.set(...entry)
  assert.ok(secrets.length > 20, String(secrets.length))

  // What is not encrypted is found in both places, so the search works: a payload, a key as bytes, and one in base64.
  const plain = new Map<string, Uint8Array>([
    ['plain payload', Buffer.from(`nothing hides ${randomBytes(12).toString('hex')}`)],
    ['plain key', randomBytes(32)],
    ['plain key in base64', Buffer.from(randomBytes(32).toString('base64'))],
  ])
  for (const [name, payload] of plain) await one.publish(`plain/${name}`, payload, { qos: 1, retain: true })
  for (const [name, needle] of plain) needles.set(name, needle)

  assert.ok(child.pid !== undefined)
  const expected = [...plain.keys()].sort()
  assert.deepEqual([...foundInDirectory(location, needles)].sort(), expected)
  assert.deepEqual([...foundInMemory(child.pid, needles)].sort(), expected)
})
