import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lexConfig } from '../../../broker/config/lexer.ts'
import { assertRefused, configErrorOf } from './support.ts'

const lex = (text: string) => lexConfig(text, 't.conf').map(({ lineNumber, name, value }) => [lineNumber, name, value])

describe('lexConfig', () => {
  const one: readonly (readonly [string, string, string, string])[] = [
    ['reads name and value', 'listener 1883', 'listener', '1883'],
    ['accepts leading spaces', '   listener 1883', 'listener', '1883'],
    ['accepts leading tabs, which Mosquitto refuses', '\tlistener 1883', 'listener', '1883'],
    ['accepts several spaces after the name', 'listener    1883', 'listener', '1883'],
    ['accepts a tab after the name, which Mosquitto refuses', 'listener\t1883', 'listener', '1883'],
    ['drops blanks at the end', 'listener 1883 \t ', 'listener', '1883'],
    ['drops a carriage return', 'listener 1883\r', 'listener', '1883'],
    ['keeps spaces inside a value', 'persistence_location /a  b', 'persistence_location', '/a  b'],
    ['keeps a # after a value', 'listener 1883 # c', 'listener', '1883 # c'],
    ['takes a backslash at the end as it is', 'persistence_location a\\', 'persistence_location', 'a\\'],
    ['gives an empty value where there is none', 'listener', 'listener', ''],
    ['leaves the case of names alone', 'LISTENER 1', 'LISTENER', '1'],
    ['accepts text outside ASCII', 'persistence_location /tür/🌲', 'persistence_location', '/tür/🌲'],
  ]
  for (const [name, text, directive, value] of one) {
    test(name, () => assert.deepEqual(lex(text), [[1, directive, value]]))
  }

  test('counts comments and empty lines', () => {
    assert.deepEqual(lex('# c\r\n\r\n   \n\t\na 1\n#b 2\n\nc 3'), [
      [5, 'a', '1'],
      [8, 'c', '3'],
    ])
  })

  test('finds nothing in an empty file', () => assert.deepEqual(lex(''), []))

  test('takes # as a comment only in column one, as Mosquitto does', () => {
    assert.deepEqual(lex('  # c'), [[1, '#', 'c']])
    assert.match(assertRefused('\n # c', 'ERR_CONFIG_DIRECTIVE_UNKNOWN', 2).message, /variable "#"/)
  })

  test('accepts bytes of any encoding in a comment', () =>
    assert.deepEqual(lex('# gr\uFFFDn\u0001\na 1'), [[2, 'a', '1']]))

  for (const [what, text] of [
    ['invalid UTF-8', 'a \uFFFD'],
    ['U+0000', 'a\0b'],
    ['an escape character', 'a \u001b[2J'],
    ['a carriage return inside a line', 'a 1\rb 2'],
    ['a C1 control character', 'a \u0085b'],
  ] as const) {
    test(`refuses ${what} outside a comment`, () => {
      const error = configErrorOf(() => lexConfig(`# c\n${text}`, 't.conf'))
      assert.deepEqual([error.code, error.file, error.line], ['ERR_CONFIG_TEXT_MALFORMED', 't.conf', 2])
    })
  }
})
