export {
  adminResponseTopic,
  alarmTopic,
  blockTopic,
  checkpointTopic,
  encodeClientId,
  identityResponseTopic,
  isBelowNotary,
  isBrokerTopic,
  keyExchangeResponseTopic,
  notaryPrefix,
  ownClientId,
  receiptTopic,
  rejectedTopic,
  requestTopic,
} from './client-topic.ts'
export { isTopicName, isValidTopicFilter, levelsCover, topicMatchesFilter } from './topic-filter.ts'
export { TopicMemory, TopicSet } from './topic-set.ts'
