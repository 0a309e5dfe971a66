import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientError, connectAsync, Keyring, type MessageCipher } from '../../../clients/sdk/index.ts'
import { verifyPushedReceipt } from '../../../clients/sdk/receipts.ts'
import { nobleCrypto } from '../../../protocol/index.ts'
import { freePort, startBroker } from '../../helpers/broker.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { Inbox, sdkClient, signerOf, textOf } from '../../helpers/sdk.ts'

const device = numberedKey(51)
const identity = signerOf(device)
const bytes = (text: string) => new TextEncoder().encode(text)
/** A COSE_Encrypt0 in form only: what it holds opens by itself. */
const envelopeStart = Buffer.from('d08343a10103a2044101054c000000000000000000000000', 'hex')

/** Covers `secret/`; stands for a cipher, of which the SDK needs the contract only. */
const cipher: MessageCipher = {
  covers: (topic) => topic.startsWith('secret/'),
  seal: async (topic, payload) => {
    if (topic === 'secret/none') throw new ClientError('ERR_NO_ENCRYPTION_KEY', 'there is no key')
    const ciphertext = Buffer.concat([payload, Buffer.alloc(16)])
    return Buffer.concat([envelopeStart, Buffer.of(0x58, ciphertext.length), ciphertext])
  },
  open: async (topic, message) => {
    if (topic === 'secret/closed') throw new ClientError('ERR_NO_ENCRYPTION_KEY', 'there is no key')
    if (topic === 'secret/altered') throw new ClientError('ERR_NOT_DECRYPTED', 'it was altered')
    return message.subarray(envelopeStart.length + 2, -16)
  },
}

for (const [what, options] of Object.entries({
  'a MAC without an identity': { mac: true },
  'a detached signature without an identity': { detached: true },
  'a detached signature before MQTT 5': { detached: true, identity, protocolVersion: 4 as const },
  'verified messages only, and nobody to believe': { accept: 'verified' as const },
  'a log key that is none': { logVkey: 'nonsense' },
})) {
  test(`${what} is ERR_OPTIONS, before anything is connected to`, async () => {
    await assert.rejects(connectAsync('mqtt://127.0.0.1:1', options), { code: 'ERR_OPTIONS' })
  })
}

test('a key file that is missing, and a broker that is not there, are said at once', async () => {
  await assert.rejects(connectAsync('mqtt://127.0.0.1:1', { identity: '/nowhere.pem' }), { code: 'ERR_IDENTITY_FILE' })
  const port = await freePort()
  await assert.rejects(connectAsync(`mqtt://name:secret@127.0.0.1:${port}`), (error: unknown) => {
    return error instanceof ClientError && error.code === 'ERR_CONNECTION' && !error.message.includes('secret')
  })
})

test('what the cipher covers goes encrypted and comes out as it was meant; what has no key is never sent', async (t) => {
  const { port } = await startBroker(t)
  const receiver = await sdkClient(t, port, { encryption: cipher })
  const plain = await sdkClient(t, port)
  const [inbox, seen] = [new Inbox(receiver), new Inbox(plain)]
  for (const client of [receiver, plain]) await client.subscribeAsync('#', { qos: 1 })
  const sender = await sdkClient(t, port, { identity, encryption: cipher })
  await assert.rejects(sender.publishAsync('secret/none', 'never', { qos: 1 }), { code: 'ERR_NO_ENCRYPTION_KEY' })
  for (const topic of ['secret/1', 'secret/closed', 'secret/altered', 'open']) {
    await sender.publishAsync(topic, 'the payload', { qos: 1 })
  }
  assert.deepEqual(
    (await inbox.first(4)).map(({ payload, encrypted, undecrypted }) => [textOf(payload), encrypted, undecrypted]),
    [
      ['the payload', true, undefined],
      ['', true, 'no-key'],
      ['', true, 'not-authentic'],
      ['the payload', false, undefined],
    ],
  )
  // Who has no cipher gets what is there.
  const [first] = await seen.first(4)
  assert.deepEqual([first?.encrypted, first?.undecrypted], [true, undefined])
  assert.ok((first?.payload.length ?? 0) > envelopeStart.length)
})

for (const message of ['', '[]', '{"record":1}', '{"index":1,"record":"!","salt":"!","receipt":"!","checkpoint":""}']) {
  test(`${JSON.stringify(message)} is no receipt`, async () => {
    const trust = { brokerKey: publicOf(device), logKey: undefined }
    await assert.rejects(verifyPushedReceipt(bytes(message), trust, nobleCrypto), { code: 'ERR_RECEIPT_INVALID' })
  })
}

test('the notice of dropped receipts is read as it is, and not when something of it is missing', async () => {
  const trust = { brokerKey: publicOf(device), logKey: undefined }
  const verify = (notice: object) => verifyPushedReceipt(bytes(JSON.stringify(notice)), trust, nobleCrypto)
  const notice = { dropped: 3, fromIndex: 5, toIndex: 9 }
  assert.deepEqual(await verify(notice), notice)
  for (const other of [{ dropped: 3 }, { ...notice, dropped: '3' }, { ...notice, toIndex: 0.5 }]) {
    await assert.rejects(verify(other), { code: 'ERR_RECEIPT_INVALID' })
  }
})

test('a keyring gives each key one name and each name one key', () => {
  const keyring = new Keyring()
  keyring.add('a', publicOf(device))
  for (const add of [
    () => keyring.add('a', publicOf(numberedKey(52))),
    () => keyring.add('b', publicOf(device)),
    () => keyring.add('c', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'),
    () => keyring.add('d', publicOf(numberedKey(53)), ['a/#/b']),
  ]) {
    assert.throws(add, { code: 'ERR_PUBLIC_KEY' })
  }
  assert.deepEqual([keyring.revoke('a'), keyring.revoke('b')], [true, false])
})
