import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  encryptionAad,
  fromHex,
  isEncryptedForm,
  openEncrypt,
  openMessage,
  type P256PublicKey,
  parseEncrypt,
  parseEncrypt0,
  sealEncrypt,
  sealMessage,
  senderKey,
  toHex,
  utf8,
} from '../../protocol/index.ts'
import { key11, keyMeriadoc, numberedKey } from '../helpers/keys.ts'
import { pythonJson, runPython } from '../helpers/python.ts'
import { hasPython } from '../helpers/tools.ts'

const script = 'notary_encryption.py'
const topic = 'plant/1/temp'
const payload = utf8('21.5')
const sender = key11.thumbprint
const externalAad = encryptionAad(topic, sender)

async function byPython(t: TestContext, job: Readonly<Record<string, unknown>>): Promise<Uint8Array> {
  const [answer] = await pythonJson<{ result: string }>(t, [script, JSON.stringify({ topic, ...job })])
  return fromHex(answer?.result ?? '')
}

for (const [bits, from] of [
  [128, sender],
  [256, sender],
  [256, undefined],
] as const) {
  const shared = { id: utf8('shop'), key: new Uint8Array(bits / 8).fill(7) }
  const key = senderKey(shared, from, nativeCrypto)
  const job = { key: toHex(shared.key), sender: toHex(from ?? new Uint8Array(0)) }
  const who = from === undefined ? 'nobody in particular' : 'a signer'

  test(`Python opens what we encrypt with ${bits} bits for ${who}, and we what Python encrypts`, async (t) => {
    if (!hasPython(t)) return
    const message = toHex(sealMessage(key, topic, payload, from, nativeCrypto))
    assert.equal(toHex(await byPython(t, { ...job, job: 'open', message })), toHex(payload))
    const theirs = await byPython(t, { ...job, job: 'seal', keyId: toHex(shared.id), plaintext: toHex(payload) })
    assert.equal(isEncryptedForm(theirs), true)
    assert.equal(toHex(openMessage(key, topic, parseEncrypt0(theirs), from, nativeCrypto)), toHex(payload))
  })
}

test('Python opens as each recipient what we encrypt for several, and we what Python encrypts for several', async (t) => {
  if (!hasPython(t)) return
  const recipients = [key11, keyMeriadoc]
  const job = { sender: toHex(sender) }
  const content = { keyId: utf8('epoch'), externalAad, plaintext: payload }
  const message = toHex(sealEncrypt(recipients, content, nativeCrypto))
  for (const own of recipients) {
    const opened = await byPython(t, { ...job, job: 'open-as', message, private: toHex(own.d) })
    assert.equal(toHex(opened), toHex(payload))
  }
  const points = recipients.map(({ x, y }) => [toHex(x), toHex(y)])
  const sealing = { ...job, job: 'seal-for', recipients: points, keyId: '01', plaintext: toHex(payload) }
  const theirs = await byPython(t, sealing)
  assert.equal(isEncryptedForm(theirs), true)
  for (const own of recipients) {
    const agree = async (publicKey: P256PublicKey) => nativeCrypto.ecdhP256(own, publicKey)
    const agreement = { thumbprint: own.thumbprint, agree }
    const opened = await openEncrypt(parseEncrypt(theirs), agreement, externalAad, nativeCrypto)
    assert.equal(toHex(opened), toHex(payload))
  }
})

test('Python refuses what we encrypted for another topic, another sender or other recipients', async (t) => {
  if (!hasPython(t)) return
  const shared = { id: utf8('shop'), key: new Uint8Array(32).fill(7) }
  const key = senderKey(shared, sender, nativeCrypto)
  const message = toHex(sealMessage(key, topic, payload, sender, nativeCrypto))
  const job = { job: 'open', message, key: toHex(shared.key), topic, sender: toHex(sender) }
  const content = { keyId: utf8('epoch'), externalAad, plaintext: payload }
  const forOthers = toHex(sealEncrypt([keyMeriadoc], content, nativeCrypto))
  for (const wrong of [
    { ...job, topic: 'plant/2/temp' },
    { ...job, sender: toHex(keyMeriadoc.thumbprint) },
    { ...job, job: 'open-as', message: forOthers, private: toHex(numberedKey(3).d) },
  ]) {
    const { code, stdout } = await runPython(t, [script, JSON.stringify(wrong)])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
  }
})
