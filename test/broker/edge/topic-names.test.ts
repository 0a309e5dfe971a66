import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { topicLevels } from '../../../broker/edge/index.ts'
import { checkTopicFilter, checkTopicName, isSharedFilter, maxTopicLevels } from '../../../broker/edge/topic-names.ts'
import { throwsMqtt } from './helpers.ts'

test('a topic of n separators has n + 1 levels', () => {
  for (const [name, levels] of [
    ['a', 1],
    ['', 1],
    ['/', 2],
    ['a/b', 2],
    ['//', 3],
    ['a/b/', 3],
  ] as const) {
    assert.equal(topicLevels(name), levels, name)
  }
})

test('the limit of levels is for names; filters are left to the caller', () => {
  const deepest = '/'.repeat(maxTopicLevels - 1)
  checkTopicName(deepest)
  throwsMqtt(() => checkTopicName(`${deepest}/`), 'ERR_MQTT_TOPIC_NAME_INVALID')
  checkTopicFilter(`${deepest}/`)
})

test('[MQTT-5.0 4.8.2] what begins with $share/ is a shared filter, and nothing else is', () => {
  assert.equal(isSharedFilter('$share/g/a/+'), true)
  for (const filter of ['a/b', '$shared/g/a', '/$share/g/a', '$SYS/share']) assert.equal(isSharedFilter(filter), false)
})

/** The rules of [MQTT-5.0 4.7.1], level by level. */
function isFilter(filter: string): boolean {
  const levels = filter.split('/')
  return (
    filter !== '' &&
    levels.every((level, index) => {
      if (level === '#') return index === levels.length - 1
      return level === '+' || !/[+#]/.test(level)
    })
  )
}

/** [MQTT-5.0 4.8.2-1], [MQTT-5.0 4.8.2-2] */
function isWellFormedShared(filter: string): boolean {
  const [, shareName = '', ...rest] = filter.split('/')
  return /^[^+#]+$/.test(shareName) && isFilter(rest.join('/'))
}

test('filters are judged as the standard says, level by level', () => {
  const levels = fc.array(fc.constantFrom('', 'a', '+', '#', 'a+', '#b', '$share', 'ä'), { maxLength: 5 })
  fc.assert(
    fc.property(levels, (parts) => {
      const filter = parts.join('/')
      const isValid = parts[0] === '$share' ? isWellFormedShared(filter) : isFilter(filter)
      if (isValid) checkTopicFilter(filter)
      else throwsMqtt(() => checkTopicFilter(filter), 'ERR_MQTT_TOPIC_FILTER_INVALID', filter)
    }),
    { seed: 3, numRuns: 5000 },
  )
})
