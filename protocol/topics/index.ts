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
export { isValidTopicFilter, topicMatchesFilter } from './topic-filter.ts'
