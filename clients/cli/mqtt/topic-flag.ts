import { isTopicName } from '../../../protocol/index.ts'
import { usageError } from '../command.ts'

/** The topic name that a flag gives. @throws {ClientError} ERR_USAGE */
export function topicOf(topic: string | undefined): string {
  if (topic === undefined) throw usageError('-t is needed')
  if (!isTopicName(topic)) throw usageError(`${topic} is not a topic name`)
  return topic
}
