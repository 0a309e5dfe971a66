import assert from 'node:assert/strict'
import { test } from 'node:test'
import { citationsIn } from '../../scripts/conformance-citations.ts'

const found = (source: string) => citationsIn('a.test.ts', source).map(({ standard, id, name }) => [standard, id, name])

test('several citations in one name, with commas or for both standards, count each', () => {
  assert.deepEqual(found(`test('[MQTT-5.0 3.3.1-1, 3.3.1-2] [MQTT-3.1.1 3.3.1-1] says what', () => {})`), [
    ['5.0', '3.3.1-1', 'says what'],
    ['5.0', '3.3.1-2', 'says what'],
    ['3.1.1', '3.3.1-1', 'says what'],
  ])
})

test('names in double quotes, in templates of a loop and in tables of cases count', () => {
  const source = [
    'test("[MQTT-5.0 4.7.1-1] it\'s", f)',
    `test(\`[MQTT-5.0 4.7.1-2] over \${name}\`, f)`,
    "['a+', '[MQTT-5.0 4.7.2-1] alone'],",
  ].join('\n')
  assert.deepEqual(found(source), [
    ['5.0', '4.7.1-1', "it's"],
    ['5.0', '4.7.1-2', `over \${name}`],
    ['5.0', '4.7.2-1', 'alone'],
  ])
})

test('comments and whole sections do not count', () => {
  const source = ["// test('[MQTT-5.0 4.7.1-1] x')", " * '[MQTT-5.0 4.7.1-1]'", "test('[MQTT-5.0 4.7] x')"].join('\n')
  assert.deepEqual(found(source), [])
})

test('a misprinted id is kept, so that it can be reported', () => {
  assert.deepEqual(found("test('[MQTT-5.0 3.3.1_1] x')"), [['5.0', '3.3.1_1', 'x']])
})

test('a standard that does not exist is an error', () => {
  assert.throws(() => found("test('[MQTT-5 3.3.1-1] x')"), /no such standard/)
})
