import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesForRestart, lexConfig } from '../../../broker/config/index.ts'

const linesOf = (text: string) =>
  lexConfig(text, 'test.conf', (error) => {
    throw error
  })
const changes = (before: string, after: string) => changesForRestart(linesOf(before), linesOf(after))

const start = `persistence_location /a
listener 1883
protocol mqtt
max_connections 5
listener 9001
protocol websockets
connection hub
address 192.0.2.1
topic a/# in
topic b/# out
`

test('what a reload takes over, and what only stands elsewhere, takes no restart', () => {
  assert.deepEqual(changes(start, start), [])
  assert.deepEqual(changes(start, start.replace('max_connections 5', 'max_connections 7')), [])
  assert.deepEqual(changes(start, `allow_anonymous true\nmax_keepalive 60\n${start}`), [])
})

test('names each directive once that takes a restart, whether its value changed, or it came or went', () => {
  assert.deepEqual(changes(start, start.replace('/a', '/b').replace('9001', '9002')), [
    'persistence_location',
    'listener',
  ])
  assert.deepEqual(changes(start, start.replace('a/#', 'c/#').replace('b/#', 'd/#')), ['topic'])
  assert.deepEqual(changes(start, `user nobody\n${start}`), ['user'])
  assert.deepEqual(changes(`user nobody\n${start}`, start), ['user'])
})

test('a line that another listener has now is a change', () => {
  const before = 'listener 1883\nbind_interface lo\nlistener 1884\n'
  assert.deepEqual(changes(before, 'listener 1883\nlistener 1884\nbind_interface lo\n'), ['bind_interface'])
})

test('TLS begins and ends with a restart; other files for it do not take one', () => {
  const [plain, one, two] = ['', 'certfile /one\nkeyfile /one\n', 'certfile /two\nkeyfile /two\n'].map(
    (lines) => `listener 8883\n${lines}`,
  ) as [string, string, string]
  assert.deepEqual(changes(one, two), [])
  assert.deepEqual(changes(plain, one), ['certfile'])
  assert.deepEqual(changes(one, plain), ['certfile'])
})
