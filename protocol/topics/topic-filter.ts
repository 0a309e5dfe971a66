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

/** Whether a string may stand in a PUBLISH [MQTT-5.0 3.3.2-2]. */
export function isTopicName(text: string): boolean {
  return isValidTopicFilter(text) && !/[+#]/.test(text)
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
  return levelsCover(filter.split('/'), topic)
}

/**
 * As {@link topicMatchesFilter}, for a filter that is asked about often. Looks at no more of the topic than it must,
 * which a client may make 65,535 bytes long.
 * @param filterLevels a valid topic filter, cut at its slashes
 */
export function levelsCover(filterLevels: readonly string[], topic: string): boolean {
  const beginsWithWildcard = filterLevels[0] === '#' || filterLevels[0] === '+'
  if (beginsWithWildcard && topic.startsWith('$')) return false
  /** Where the next level begins; beyond the end when there is none. */
  let at = 0
  for (const level of filterLevels) {
    if (level === '#') return true
    if (at > topic.length) return false
    const slash = topic.indexOf('/', at)
    const end = slash === -1 ? topic.length : slash
    if (level !== '+' && !(end - at === level.length && topic.startsWith(level, at))) return false
    at = end + 1
  }
  return at > topic.length
}
