/** Below this prefix clients agree on keys for each other: application topics, which the broker records like any other. */
export const pairwisePrefix = 'notarymq/pairwise/'
/** Below this prefix the owners of topic keys distribute them. */
export const topicKeyPrefix = 'notarymq/topic-key/'

/** Whether a topic carries keys: what is published there is never encrypted with one of them. */
export function isKeyTopic(topic: string): boolean {
  return topic.startsWith(pairwisePrefix) || topic.startsWith(topicKeyPrefix)
}
