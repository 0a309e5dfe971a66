import { isValidTopicFilter } from '../../protocol/index.ts'

const sharePrefix = '$share/'

/** The two parts of `$share/<shareName>/<filter>`. */
export interface SharedFilter {
  readonly shareName: string
  /** The filter that publishes are matched against. */
  readonly filter: string
}

/**
 * Takes a shared subscription apart [MQTT-5.0 4.8.2].
 *
 * @returns undefined when it is not one, or lacks the share name or the filter; `isValidSubscriptionFilter` tells the
 * two apart
 */
export function parseSharedFilter(topicFilter: string): SharedFilter | undefined {
  if (!topicFilter.startsWith(sharePrefix)) return undefined
  const end = topicFilter.indexOf('/', sharePrefix.length)
  if (end <= sharePrefix.length || end === topicFilter.length - 1) return undefined
  return { shareName: topicFilter.slice(sharePrefix.length, end), filter: topicFilter.slice(end + 1) }
}

/**
 * Whether SUBSCRIBE and UNSUBSCRIBE may carry this: a valid topic filter, and behind `$share/` a share name of at least
 * one character without wildcards [MQTT-5.0 4.8.2-1], [MQTT-5.0 4.8.2-2] and a filter.
 */
export function isValidSubscriptionFilter(topicFilter: string): boolean {
  if (!isValidTopicFilter(topicFilter)) return false
  if (!topicFilter.startsWith(sharePrefix)) return true
  const shared = parseSharedFilter(topicFilter)
  return shared !== undefined && shared.shareName !== '+'
}
