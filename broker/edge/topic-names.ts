import { MqttError } from './errors.ts'

/** Levels that a topic name may have here, and a filter should. The standard has no limit; a tree of topics needs one. */
export const maxTopicLevels = 200

const sharedPrefix = '$share/'

/** Levels of a topic name or topic filter: its separators and one. [MQTT-5.0 4.7.1.1] */
export function topicLevels(name: string): number {
  let levels = 1
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) levels++
  return levels
}

/**
 * Checks a topic name that a message may be published to: not empty [MQTT-5.0 4.7.3-1], no wildcards
 * [MQTT-5.0 3.3.2-2], not too deep.
 * @throws {MqttError} ERR_MQTT_TOPIC_NAME_INVALID
 */
export function checkTopicName(name: string): void {
  if (name === '') throw invalidName('an empty topic name')
  if (name.includes('+') || name.includes('#')) throw invalidName('a wildcard in a topic name')
  if (topicLevels(name) > maxTopicLevels) throw invalidName(`a topic name of more than ${maxTopicLevels} levels`)
}

export function invalidName(message: string): MqttError {
  return new MqttError('ERR_MQTT_TOPIC_NAME_INVALID', message)
}

/**
 * Checks the syntax of a topic filter, `$share/...` included; its depth is the caller's to judge.
 *
 * A wildcard in the wrong place breaks a rule of the protocol in every version ([MQTT-5.0 4.7.1-1] and 4.7.1-2,
 * [MQTT-3.1.1 4.7.1-2] and 4.7.1-3), so the connection is closed [MQTT-3.1.1 4.8.0-1], as Mosquitto does; a MQTT 5
 * client is told 0x8F, which says more than 0x82.
 * @throws {MqttError} ERR_MQTT_TOPIC_FILTER_INVALID
 */
export function checkTopicFilter(filter: string): void {
  if (filter === '$share' || filter.startsWith(sharedPrefix)) checkSharedFilter(filter)
  else checkPlainFilter(filter, 0)
}

/** @param filter one that {@link checkTopicFilter} passed [MQTT-5.0 4.8.2] */
export function isSharedFilter(filter: string): boolean {
  return filter.startsWith(sharedPrefix)
}

/** `$share/`, a name of at least one character [MQTT-5.0 4.8.2-1] without wildcards, `/`, a filter [MQTT-5.0 4.8.2-2]. */
function checkSharedFilter(filter: string): void {
  const slash = filter.indexOf('/', sharedPrefix.length)
  if (slash <= sharedPrefix.length) throw invalidFilter('a shared subscription without share name and topic filter')
  const shareName = filter.slice(sharedPrefix.length, slash)
  if (shareName.includes('+') || shareName.includes('#')) throw invalidFilter('a wildcard in a share name')
  checkPlainFilter(filter, slash + 1)
}

const slash = 0x2f
const plus = 0x2b
const hash = 0x23

function checkPlainFilter(filter: string, start: number): void {
  const { length } = filter
  if (start === length) throw invalidFilter('an empty topic filter')
  for (let at = start; at < length; at++) {
    const character = filter.charCodeAt(at)
    if (character !== plus && character !== hash) continue
    const startsLevel = at === start || filter.charCodeAt(at - 1) === slash
    const endsLevel = at === length - 1 || (character === plus && filter.charCodeAt(at + 1) === slash)
    if (!startsLevel || !endsLevel) throw invalidFilter('a wildcard in the wrong place of a topic filter')
  }
}

function invalidFilter(message: string): MqttError {
  return new MqttError('ERR_MQTT_TOPIC_FILTER_INVALID', message)
}
