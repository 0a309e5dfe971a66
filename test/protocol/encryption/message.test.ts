import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  encodePairwiseAnswer,
  encodePairwiseOffer,
  encodeTopicKey,
  epochOfKeyId,
  isKeyTopic,
  nobleCrypto,
  openMessage,
  pairwiseKey,
  pairwiseTopic,
  parseEncrypt0,
  parsePairwiseAnswer,
  parsePairwiseOffer,
  parseTopicKey,
  sealMessage,
  senderKey,
  toHex,
  topicKeyId,
  topicKeyTopic,
  utf8,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc, numberedKey } from '../../helpers/keys.ts'

const key = { id: utf8('k'), key: new Uint8Array(32).fill(7) }
const payload = utf8('21.5')
const sender = key11.thumbprint

test('a message opens on its topic and under its sender, and nowhere else', () => {
  const own = senderKey(key, sender, nobleCrypto)
  const message = parseEncrypt0(sealMessage(own, 'plant/1', payload, sender, nobleCrypto))
  assert.equal(toHex(openMessage(own, 'plant/1', message, sender, nativeCrypto)), toHex(payload))
  throwsCode(() => openMessage(own, 'plant/2', message, sender, nobleCrypto), 'ERR_COSE_NOT_DECRYPTED')
  // Even with the very key of the sender: the external data names whose message it is.
  for (const other of [keyMeriadoc.thumbprint, undefined]) {
    throwsCode(() => openMessage(own, 'plant/1', message, other, nobleCrypto), 'ERR_COSE_NOT_DECRYPTED')
  }
})

test('each sender, and nobody in particular, has a key of its own, as long as the shared one and not the shared one', () => {
  for (const length of [16, 32]) {
    const shared = { id: key.id, key: new Uint8Array(length).fill(7) }
    const keys = [sender, keyMeriadoc.thumbprint, undefined].map((who) => senderKey(shared, who, nobleCrypto).key)
    assert.deepEqual(
      keys.map((derived) => derived.length),
      [length, length, length],
    )
    assert.equal(new Set([...keys, shared.key].map(toHex)).size, 4)
  }
})

const [initiator, responder] = [key11.thumbprint, keyMeriadoc.thumbprint]
const nonce = new Uint8Array(16).fill(1)
const offer = encodePairwiseOffer({ ephemeral: numberedKey(1), nonce })
const answer = encodePairwiseAnswer({ ephemeral: numberedKey(2), nonce, offerDigest: nobleCrypto.sha256(offer) })
const transcript = { initiator, responder, offer, answer }

test('both sides of a pairwise exchange come to the same key, which everything that was said goes into', () => {
  const [one, two] = [numberedKey(1), numberedKey(2)]
  const derived = pairwiseKey(one, two, transcript, nobleCrypto)
  const other = pairwiseKey(two, one, transcript, nativeCrypto)
  assert.deepEqual([toHex(other.key), toHex(other.id)], [toHex(derived.key), toHex(derived.id)])
  assert.deepEqual([derived.key.length, derived.id.length], [32, 8])
  for (const changes of [
    { initiator: responder, responder: initiator },
    { responder: numberedKey(3).thumbprint },
    { offer: answer },
    { answer: offer },
  ]) {
    const changed = pairwiseKey(one, two, { ...transcript, ...changes }, nobleCrypto)
    assert.notEqual(toHex(changed.key), toHex(derived.key))
  }
})

test('the messages of a pairwise exchange are read back, and nothing else is taken for them', () => {
  assert.equal(toHex(parsePairwiseOffer(offer, nobleCrypto).ephemeral.x), toHex(numberedKey(1).x))
  assert.equal(toHex(parsePairwiseAnswer(answer, nobleCrypto).offerDigest), toHex(nobleCrypto.sha256(offer)))
  throwsCode(() => parsePairwiseOffer(answer, nobleCrypto), 'ERR_KEY_EXCHANGE_MALFORMED')
  throwsCode(() => parsePairwiseAnswer(offer, nobleCrypto), 'ERR_KEY_EXCHANGE_MALFORMED')
  throwsCode(() => parsePairwiseOffer(new Uint8Array(4097), nobleCrypto), 'ERR_KEY_EXCHANGE_MALFORMED')
  const offCurve = encodePairwiseOffer({ ephemeral: { x: key11.x, y: key11.x }, nonce })
  throwsCode(() => parsePairwiseOffer(offCurve, nobleCrypto), 'ERR_KEY_INVALID')
})

test('a topic key is read back; one of another length is none', () => {
  const topicKey = { filter: 'plant/#', epoch: 1_767_225_600_000, key: key.key }
  assert.deepEqual({ ...parseTopicKey(encodeTopicKey(topicKey)) }, topicKey)
  for (const length of [0, 15, 24, 33]) {
    const wrong = encodeTopicKey({ ...topicKey, key: new Uint8Array(length) })
    throwsCode(() => parseTopicKey(wrong), 'ERR_KEY_EXCHANGE_MALFORMED')
  }
})

test('the id of a topic key is its epoch', () => {
  for (const epoch of [0, 1, 1_767_225_600_000, Number.MAX_SAFE_INTEGER]) {
    assert.equal(epochOfKeyId(topicKeyId(epoch)), epoch)
  }
  for (const id of [new Uint8Array(7), new Uint8Array(9), new Uint8Array(8).fill(0xff)]) {
    assert.equal(epochOfKeyId(id), undefined)
  }
})

test('topics that carry keys are known as such, and a filter is one level of them', () => {
  assert.equal(topicKeyTopic(initiator, 'a/+/#').split('/').length, 4)
  assert.ok(isKeyTopic(topicKeyTopic(initiator, '#')) && isKeyTopic(pairwiseTopic(responder, initiator, 'offer')))
  assert.ok(!isKeyTopic('plant/notarymq/pairwise/') && !isKeyTopic('notarymq/other'))
})
