export {
  adminResponseTopic,
  encodeClientId,
  isBelowNotary,
  isBrokerTopic,
  notaryPrefix,
  ownClientId,
  rejectedTopic,
  requestTopic,
} from './client-topic.ts'
export { isValidTopicFilter, topicMatchesFilter } from './topic-filter.ts'
