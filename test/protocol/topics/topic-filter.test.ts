import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  isTopicName,
  isValidTopicFilter,
  maxTopicBytes,
  topicMatchesFilter,
} from '../../../protocol/topics/topic-filter.ts'

describe('isValidTopicFilter', () => {
  const valid = [
    'a',
    '/',
    '//',
    '#',
    '+',
    '+/+',
    '/+',
    'a/#',
    '+/#',
    'a/+/b',
    '$SYS/#',
    '$share/g/a/+',
    'a b/ü/🌲',
    ' ',
  ]
  for (const filter of valid) {
    test(`accepts ${JSON.stringify(filter)}`, () => assert.equal(isValidTopicFilter(filter), true))
  }

  const invalid: readonly (readonly [string, string])[] = [
    ['', '[MQTT-5.0 4.7.3-1] at least one character'],
    ['a\0b', '[MQTT-5.0 4.7.3-2] no U+0000'],
    ['a/#/b', '[MQTT-5.0 4.7.1-1] # is the last level'],
    ['#/', '[MQTT-5.0 4.7.1-1] # is the last level, an empty one after it counts'],
    ['a#', '[MQTT-5.0 4.7.1-1] # is alone in its level'],
    ['a/#b', '[MQTT-5.0 4.7.1-1] # is alone in its level'],
    ['##', '[MQTT-5.0 4.7.1-1] # is alone in its level'],
    ['a/+#', '[MQTT-5.0 4.7.1-1] # is alone in its level'],
    ['a+', '[MQTT-5.0 4.7.1-2] + is alone in its level'],
    ['a/+b/c', '[MQTT-5.0 4.7.1-2] + is alone in its level'],
    ['++', '[MQTT-5.0 4.7.1-2] + is alone in its level'],
    ['a/\uD83C', '[MQTT-5.0 1.5.4-1] no half surrogate pair'],
  ]
  for (const [filter, rule] of invalid) {
    test(`refuses ${JSON.stringify(filter)}: ${rule}`, () => assert.equal(isValidTopicFilter(filter), false))
  }

  test('[MQTT-5.0 4.7.3-3] counts bytes of UTF-8, not characters', () => {
    assert.equal(isValidTopicFilter('a'.repeat(maxTopicBytes)), true)
    assert.equal(isValidTopicFilter('a'.repeat(maxTopicBytes + 1)), false)
    assert.equal(isValidTopicFilter('€'.repeat(maxTopicBytes / 3)), true)
    assert.equal(isValidTopicFilter(`${'€'.repeat(maxTopicBytes / 3)}a`), false)
  })
})

describe('topicMatchesFilter', () => {
  // Where a row has a section number, it is an example of that section of MQTT 5.0.
  const rows: readonly (readonly [string, string, boolean, string])[] = [
    ['sport/tennis/player1', 'sport/tennis/player1/#', true, '4.7.1.2, the parent level'],
    ['sport/tennis/player1/ranking', 'sport/tennis/player1/#', true, '4.7.1.2'],
    ['sport/tennis/player1/score/wimbledon', 'sport/tennis/player1/#', true, '4.7.1.2'],
    ['sport', 'sport/#', true, '4.7.1.2'],
    ['sport', 'sport/tennis/#', false, 'only the direct parent counts'],
    ['sports', 'sport/#', false, 'levels are compared whole'],
    ['sport/tennis/player1', 'sport/tennis/+', true, '4.7.1.3'],
    ['sport/tennis/player1/ranking', 'sport/tennis/+', false, '4.7.1.3'],
    ['sport', 'sport/+', false, '4.7.1.3'],
    ['sport/', 'sport/+', true, '4.7.1.3'],
    ['/finance', '+/+', true, '4.7.1.3'],
    ['/finance', '/+', true, '4.7.1.3'],
    ['/finance', '+', false, '4.7.1.3'],
    ['$SYS/monitor/Clients', '#', false, '4.7.2'],
    ['$SYS/monitor/Clients', '+/monitor/Clients', false, '4.7.2'],
    ['$SYS/a', '$SYS/#', true, '4.7.2'],
    ['$SYS', '$SYS/#', true, '4.7.2 and 4.7.1.2'],
    ['$SYS/monitor/Clients', '$SYS/monitor/+', true, '4.7.2'],
    ['a/$SYS', 'a/+', true, 'only a leading $ is special'],
    ['ACCOUNTS', 'Accounts', false, '4.7.3, case-sensitive'],
    ['a', '/a', false, '4.7.3, a leading slash is a level'],
    ['a/', 'a', false, 'a trailing slash is a level'],
    ['\u00e5', 'a\u030a', false, '4.7.3-4, no normalisation'],
    ['a', '#', true, 'everything'],
    ['/', '#', true, 'everything'],
  ]
  for (const [topic, filter, expected, why] of rows) {
    test(`${filter} ${expected ? 'covers' : 'does not cover'} ${topic} (${why})`, () => {
      assert.equal(topicMatchesFilter(topic, filter), expected)
    })
  }

  test('agrees with a matcher made of a regular expression', () => {
    const level = fc.constantFrom('', 'a', 'b', 'ab', '$', '$x', '.', '.*')
    const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 5 }), fc.boolean())
      .map(([levels, multi]) => [...levels, ...(multi || levels.length === 0 ? ['#'] : [])].join('/'))
      .filter((text) => text !== '')
    fc.assert(
      fc.property(topic, filter, (topicName, topicFilter) => {
        assert.equal(isValidTopicFilter(topicFilter), true)
        assert.equal(topicMatchesFilter(topicName, topicFilter), regularExpressionMatch(topicName, topicFilter))
      }),
      { numRuns: 5000 },
    )
  })

  test('covers every topic by a filter made from it', () => {
    const topic = fc
      .array(fc.stringMatching(/^[^/+#$\0]{0,4}$/u), { minLength: 1, maxLength: 6 })
      .filter((levels) => levels.join('/') !== '')
    fc.assert(
      fc.property(topic, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), fc.nat(6), (levels, plus, cut) => {
        const filter = levels.map((level, index) => (plus[index] ? '+' : level))
        assert.equal(topicMatchesFilter(levels.join('/'), filter.join('/')), true)
        assert.equal(topicMatchesFilter(levels.join('/'), [...filter.slice(0, cut), '#'].join('/')), true)
      }),
    )
  })
})

test('a topic name has one character at least and no wildcard', () => {
  for (const name of ['a', 'a/b', '/', '$SYS/x', '$share/a/b']) assert.equal(isTopicName(name), true, name)
  for (const name of ['', '#', 'a/+', 'a+', 'a#b', 'a\0', 'a'.repeat(65_536)]) assert.equal(isTopicName(name), false)
})

/** Independent of the code under test: rewrites the filter as a pattern over the whole topic. */
function regularExpressionMatch(topic: string, filter: string): boolean {
  if (/^\$/.test(topic) && /^[+#]/.test(filter)) return false
  const pattern = filter
    .replace(/[.*$^()[\]{}|\\?]/g, '\\$&')
    .replace(/(^|\/)\+(?=\/|$)/g, '$1[^/]*')
    .replace(/(^|\/)\+(?=\/|$)/g, '$1[^/]*')
    .replace(/\/#$/, '(?:/.*)?')
    .replace(/^#$/, '.*')
  return new RegExp(`^${pattern}$`, 's').test(topic)
}
