/** Longest UTF-8 encoding of a topic name or topic filter, in bytes [MQTT-5.0 4.7.3-3], [MQTT-3.1.1 4.7.3-3]. */
export const maxTopicBytes = 65_535

const utf8 = new TextEncoder()

/**
 * Whether a string may be used as a topic filter.
 *
 * - at least one character [MQTT-5.0 4.7.3-1], no U+0000 [MQTT-5.0 4.7.3-2], at most 65,535 bytes [MQTT-5.0 4.7.3-3],
 *   no half of a surrogate pair, which UTF-8 cannot carry [MQTT-5.0 1.5.4-1]
 * - `#` only as the last level and alone in it [MQTT-5.0 4.7.1-1], [MQTT-3.1.1 4.7.1-2]
 * - `+` only alone in its level [MQTT-5.0 4.7.1-2], [MQTT-3.1.1 4.7.1-3]
 *
 * `$share/<group>/<filter>` is judged as written: taking the group off is the caller's business.
 */
export function isValidTopicFilter(filter: string): boolean {
  if (filter.length === 0 || filter.includes('\0') || /\p{Surrogate}/u.test(filter)) return false
  // A UTF-16 unit is at most 3 bytes: short filters need no encoding.
  if (filter.length * 3 > maxTopicBytes && utf8.encode(filter).length > maxTopicBytes) return false
  const levels = filter.split('/')
  return levels.every((level, index) => {
    if (level.includes('#')) return level === '#' && index === levels.length - 1
    return !level.includes('+') || level === '+'
  })
}

/**
 * Whether a topic name is covered by a topic filter [MQTT-5.0 4.7], [MQTT-3.1.1 4.7].
 *
 * `#` covers any number of further levels, none included, so `a/#` covers `a` too (4.7.1.2); `+` covers one level, also
 * an empty one (4.7.1.3). A filter that begins with a wildcard covers no topic that begins with `$` [MQTT-5.0 4.7.2-1].
 * Levels are compared code unit by code unit, without normalisation [MQTT-5.0 4.7.3-4].
 *
 * @param topic a topic name, without wildcards
 * @param filter a topic filter for which `isValidTopicFilter` holds; otherwise the answer has no meaning
 */
export function topicMatchesFilter(topic: string, filter: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('#') || filter.startsWith('+'))) return false
  const topicLevels = topic.split('/')
  const filterLevels = filter.split('/')
  for (const [index, filterLevel] of filterLevels.entries()) {
    if (filterLevel === '#') return true
    const topicLevel = topicLevels[index]
    if (topicLevel === undefined || (filterLevel !== '+' && filterLevel !== topicLevel)) return false
  }
  return topicLevels.length === filterLevels.length
}
