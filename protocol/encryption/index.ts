export { isKeyTopic } from './key-topics.ts'
export {
  type EncryptionKey,
  encryptionAad,
  maxMessagesPerKey,
  openMessage,
  sealMessage,
  senderKey,
} from './message.ts'
export {
  encodePairwiseAnswer,
  encodePairwiseOffer,
  type PairwiseAnswer,
  type PairwiseOffer,
  type PairwiseTranscript,
  pairwiseKey,
  pairwiseTopic,
  parsePairwiseAnswer,
  parsePairwiseOffer,
} from './pairwise.ts'
export { encodeTopicKey, epochOfKeyId, parseTopicKey, type TopicKey, topicKeyId, topicKeyTopic } from './topic-key.ts'
