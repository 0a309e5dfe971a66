import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogTopic } from '../../../broker/log/log-topic.ts'
import { createLogger } from '../../../broker/logger.ts'

const topicOnly = { destinations: [{ kind: 'topic' }], types: ['all'], timestamps: false } as const

test('lines go to the topics of Mosquitto by their type; debug lines go to none, as in Mosquitto', () => {
  const log = createLogger(topicOnly)
  const published: [string, string][] = []
  log.error('before anybody can subscribe')
  log.publishTo((topicName, payload) => published.push([topicName, payload]))
  log.error('e')
  log.warning('w')
  log.notice('n')
  log.information('i')
  log.subscribe('id 0 a/b')
  log.unsubscribe('id a/b')
  log.debug('d')
  log.publishTo(undefined)
  log.error('after the broker ended')
  assert.deepEqual(published, [
    ['$SYS/broker/log/E', 'e'],
    ['$SYS/broker/log/W', 'w'],
    ['$SYS/broker/log/N', 'n'],
    ['$SYS/broker/log/I', 'i'],
    ['$SYS/broker/log/M/subscribe', 'id 0 a/b'],
    ['$SYS/broker/log/M/unsubscribe', 'id a/b'],
  ])
})

test('a line that publishing brings about is not published, so one line is one message', () => {
  const log = createLogger(topicOnly)
  const published: string[] = []
  log.publishTo((_topicName, payload) => {
    published.push(payload)
    log.error(`could not send ${payload}`)
  })
  log.notice('one')
  log.notice('two')
  assert.deepEqual(published, ['one', 'two'])
})

test('lines that follow from lines later on are bounded per second', () => {
  let nowMs = 5000
  let count = 0
  const topic = new LogTopic(assert.fail, () => nowMs)
  topic.connect(() => {
    count += 1
  })
  for (let line = 0; line < 2000; line += 1) topic.write('error', '', 'again')
  assert.equal(count, 500)
  nowMs = 6000
  topic.write('error', '', 'again')
  assert.equal(count, 501)
})

test('a publish that throws does not reach who logs, and is complained about elsewhere', () => {
  const complaints: string[] = []
  const topic = new LogTopic((message) => complaints.push(message))
  topic.connect(() => {
    throw new Error('closed')
  })
  topic.write('error', '', 'one')
  topic.write('error', '', 'two')
  assert.equal(complaints.length, 2)
})
