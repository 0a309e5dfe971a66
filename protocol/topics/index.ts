export {
  adminResponseTopic,
  alarmTopic,
  checkpointTopic,
  encodeClientId,
  identityResponseTopic,
  isBelowNotary,
  isBrokerTopic,
  keyExchangeResponseTopic,
  notaryPrefix,
  ownClientId,
  rejectedTopic,
  requestTopic,
} from './client-topic.ts'
export { isValidTopicFilter, levelsCover, topicMatchesFilter } from './topic-filter.ts'
export { TopicMemory, TopicSet } from './topic-set.ts'
