import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  encryptionAad,
  isEncryptedForm,
  openEncrypt,
  openMessage,
  type P256PublicKey,
  parseEncrypt,
  parseEncrypt0,
  parseTopicKey,
  toHex,
  topicKeyTopic,
} from '../../protocol/index.ts'
import { encryptionExample } from '../helpers/encryption-example.ts'
import { key11, keyMeriadoc } from '../helpers/keys.ts'
import { hex, repositoryText } from '../helpers/vectors.ts'

const document = repositoryText('docs/encryption.md')

describe('the worked example of docs/encryption.md', () => {
  const written = new Map(
    [...document.matchAll(/^```hex ([\w.-]+)\n(.*?)^```$/gms)].map(([, name, content]) => [name, hex(content ?? '')]),
  )
  const bytes = (name: string) => written.get(name) ?? new Uint8Array(0)
  const computed = encryptionExample()

  test('shows every byte string that the code produces, and no other', () => {
    assert.deepEqual([...written.keys()].sort(), Object.keys(computed).sort())
  })
  for (const [name, expected] of Object.entries(computed)) {
    test(`${name} is what the code produces`, () => assert.equal(toHex(bytes(name)), toHex(expected)))
  }

  test('opens with what the document says alone', async () => {
    const sender = key11.thumbprint
    const key = { id: new Uint8Array(0), key: bytes('message.sender-key') }
    const plaintext = openMessage(key, 'plant/1/temp', parseEncrypt0(bytes('message')), sender, nativeCrypto)
    assert.equal(Buffer.from(plaintext).toString(), '21.5')
    const topic = topicKeyTopic(sender, 'plant/#')
    assert.ok(document.includes(`\`${topic}\``))
    for (const own of [key11, keyMeriadoc]) {
      const agree = async (publicKey: P256PublicKey) => nativeCrypto.ecdhP256(own, publicKey)
      const aad = encryptionAad(topic, sender)
      const opened = await openEncrypt(
        parseEncrypt(bytes('topic-key')),
        { thumbprint: own.thumbprint, agree },
        aad,
        nativeCrypto,
      )
      assert.equal(parseTopicKey(opened).filter, 'plant/#')
    }
  })

  test('names its keys, and its messages have the form that a policy asks for', () => {
    for (const key of [key11, keyMeriadoc]) {
      assert.ok(document.includes(`\`${toHex(key.d)}\``))
      assert.ok(document.includes(`\`${toHex(key.thumbprint)}\``))
    }
    assert.ok(isEncryptedForm(bytes('message')) && isEncryptedForm(bytes('topic-key')))
  })
})
