import {
  type CryptoProvider,
  encodePairwiseAnswer,
  encodePairwiseOffer,
  encodeTopicKey,
  encryptionAad,
  encStructure,
  pairwiseKey,
  sealEncrypt,
  sealMessage,
  senderKey,
  topicKeyId,
  topicKeyTopic,
  utf8,
} from '../../protocol/index.ts'
import { countingCrypto } from './crypto.ts'
import { key11, keyMeriadoc, numberedKey } from './keys.ts'

/** What random bytes and ephemeral keys of the example are, in the order in which they are asked for. */
function exampleCrypto(): CryptoProvider {
  let next = 0
  return { ...countingCrypto(), generateP256: () => numberedKey(++next) }
}

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte)

/** Every byte string of the worked example of docs/encryption.md, by its name there. */
export function encryptionExample(): Readonly<Record<string, Uint8Array>> {
  const [alice, bob] = [key11, keyMeriadoc]
  const topic = 'plant/1/temp'
  const shared = { id: utf8('shop'), key: filled(0x0b, 32) }
  const own = senderKey(shared, alice.thumbprint, exampleCrypto())
  const aad = encryptionAad(topic, alice.thumbprint)

  const filter = 'plant/#'
  const epoch = 1_767_225_600_000
  const topicKey = encodeTopicKey({ filter, epoch, key: filled(0x0c, 32) })
  const keyTopic = topicKeyTopic(alice.thumbprint, filter)
  const keyContent = {
    keyId: topicKeyId(epoch),
    externalAad: encryptionAad(keyTopic, alice.thumbprint),
    plaintext: topicKey,
  }

  const [ephemeralAlice, ephemeralBob] = [numberedKey(1), numberedKey(2)]
  const offer = encodePairwiseOffer({ ephemeral: ephemeralAlice, nonce: filled(0x0d, 16) })
  const offerDigest = exampleCrypto().sha256(offer)
  const answer = encodePairwiseAnswer({ ephemeral: ephemeralBob, nonce: filled(0x0e, 16), offerDigest })
  const transcript = { initiator: alice.thumbprint, responder: bob.thumbprint, offer, answer }
  const agreed = pairwiseKey(ephemeralAlice, ephemeralBob, transcript, exampleCrypto())
  return {
    'message.sender-key': own.key,
    'message.external-aad': aad,
    'message.enc-structure': encStructure('Encrypt0', Uint8Array.of(0xa1, 1, 3), aad),
    message: sealMessage(own, topic, utf8('21.5'), alice.thumbprint, exampleCrypto()),
    'topic-key.content': topicKey,
    'topic-key': sealEncrypt([alice, bob], keyContent, exampleCrypto()),
    'pairwise.offer': offer,
    'pairwise.answer': answer,
    'pairwise.key': agreed.key,
    'pairwise.key-id': agreed.id,
  }
}
