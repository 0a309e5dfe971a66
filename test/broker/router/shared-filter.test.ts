import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isValidSubscriptionFilter, parseSharedFilter } from '../../../broker/router/index.ts'

describe('a shared subscription is taken apart', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['$share/consumer1/sport/tennis/+', 'consumer1', 'sport/tennis/+'],
    ['$share/consumer1//finance', 'consumer1', '/finance'],
    ['$share/consumer1/#', 'consumer1', '#'],
    ['$share/consumer1//', 'consumer1', '/'],
    ['$share/$share/$share/g/a', '$share', '$share/g/a'],
    ['$share/__proto__/constructor', '__proto__', 'constructor'],
    ['$share/g/$SYS/#', 'g', '$SYS/#'],
  ]
  for (const [topicFilter, shareName, filter] of rows) {
    test(`[MQTT-5.0 4.8.2] ${topicFilter} is group ${shareName} of ${filter}`, () => {
      assert.deepEqual(parseSharedFilter(topicFilter), { shareName, filter })
      assert.equal(isValidSubscriptionFilter(topicFilter), true)
    })
  }
})

describe('what begins with $share/ but is no shared subscription is not valid', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['$share/', '[MQTT-5.0 4.8.2-1] no share name'],
    ['$share//a', '[MQTT-5.0 4.8.2-1] empty share name'],
    ['$share/g', '[MQTT-5.0 4.8.2-2] no filter'],
    ['$share/g/', '[MQTT-5.0 4.7.3-1] empty filter'],
    ['$share/+/a', '[MQTT-5.0 4.8.2-2] wildcard as share name'],
    ['$share/#', '[MQTT-5.0 4.8.2-2] wildcard as share name'],
    ['$share/a+/b', '[MQTT-5.0 4.8.2-2] wildcard in the share name'],
    ['$share/#/a', '[MQTT-5.0 4.8.2-2] wildcard as share name'],
    ['$share/g/a#', '[MQTT-5.0 4.7.1-1] invalid filter'],
    ['$share/g/+a', '[MQTT-5.0 4.7.1-2] invalid filter'],
    ['$share/g/a\0', '[MQTT-5.0 4.7.3-2] invalid filter'],
  ]
  for (const [topicFilter, why] of rows) {
    test(`${JSON.stringify(topicFilter)}: ${why}`, () => assert.equal(isValidSubscriptionFilter(topicFilter), false))
  }
})

test('filters that only look like it are ordinary ones', () => {
  for (const topicFilter of ['$share', '$SHARE/g/a', '$shared/g/a', 'a/$share/g/a', '+/g/a', '$/share/a']) {
    assert.equal(parseSharedFilter(topicFilter), undefined)
    assert.equal(isValidSubscriptionFilter(topicFilter), true)
  }
})
