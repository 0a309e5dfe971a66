import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recipientsCipher } from '../../../clients/encryption/index.ts'
import { encodePkcs8 } from '../../../clients/platform/pkcs8.ts'
import { importWebCryptoKeys, webCrypto, webCryptoSigner } from '../../../clients/sdk/index.ts'
import { parseEncrypt, utf8 } from '../../../protocol/index.ts'
import { isClientError } from '../../helpers/client-codes.ts'
import { key11, publicOf } from '../../helpers/keys.ts'

async function cipherOf() {
  const keys = await importWebCryptoKeys(encodePkcs8(key11), publicOf(key11))
  const own = webCryptoSigner(keys, webCrypto)
  return recipientsCipher({ recipients: [publicOf(key11)], own, crypto: webCrypto })
}

test('with a key of WebCrypto, a message whose ephemeral key is no point of the curve is one that does not open', async () => {
  const cipher = await cipherOf()
  const message = await cipher.seal('plant/1', utf8('21.5'), undefined)
  assert.equal(Buffer.from(await cipher.open('plant/1', message, undefined)).toString(), '21.5')
  // Views into the message.
  for (const { ephemeral } of parseEncrypt(message).recipients) ephemeral.y.fill(7)
  await assert.rejects(cipher.open('plant/1', message, undefined), isClientError('ERR_NOT_DECRYPTED'))
})

test('messages to readers cover all topics but those that carry keys', async () => {
  const cipher = await cipherOf()
  assert.equal(cipher.covers('plant/1'), true)
  for (const topic of ['notarymq/pairwise/a/b/offer', 'notarymq/topic-key/a/b']) {
    assert.equal(cipher.covers(topic), false, topic)
  }
})
