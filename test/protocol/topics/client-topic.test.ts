import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { adminResponseTopic, encodeClientId, rejectedTopic } from '../../../protocol/index.ts'
import { fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'

const parameters = { seed: fcSeed, numRuns: 2000 }

/** Client ids rich in the characters that matter. */
const clientId = fc.oneof(
  wellFormedText,
  fc.string({ unit: fc.constantFrom('%', '/', '+', '#', '2', '5', 'F', '\u0000', '\u001f', '\u0085', 'é', '😀') }),
)

test('percent-encodes %, /, +, # and controls, over UTF-8, and nothing else', () => {
  const examples: readonly (readonly [string, string])[] = [
    ['sensor-1', 'sensor-1'],
    ['', ''],
    ['a/b', 'a%2Fb'],
    ['100%', '100%25'],
    ['%2F', '%252F'],
    ['a+b#', 'a%2Bb%23'],
    ['\u0000\u001f\u007f', '%00%1F%7F'],
    ['\u0080\u009f', '%C2%80%C2%9F'],
    ['\u00a0é漢😀', '\u00a0é漢😀'],
    ['a b&c=d?', 'a b&c=d?'],
  ]
  for (const [id, level] of examples) assert.equal(encodeClientId(id), level)
})

test('a client id becomes exactly one topic level, without wildcards or controls', () => {
  const property = fc.property(clientId, (id) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    assert.doesNotMatch(encodeClientId(id), /[/+#\u0000-\u001f\u007f-\u009f]/)
    assert.equal(adminResponseTopic(id), `$notary/admin/response/${encodeClientId(id)}`)
    assert.equal(adminResponseTopic(id).split('/').length, 4)
    assert.equal(rejectedTopic(id).split('/').length, 3)
  })
  fc.assert(property, parameters)
})

test('percent-decoding gives the client id back, so distinct client ids have distinct topics', () => {
  const property = fc.property(clientId, clientId, (a, b) => {
    assert.equal(decodeURIComponent(encodeClientId(a)), a)
    if (a !== b) assert.notEqual(rejectedTopic(a), rejectedTopic(b))
  })
  fc.assert(property, parameters)
})

test('an id that looks encoded already does not meet the one it looks like', () => {
  for (const [a, b] of [
    ['a/b', 'a%2Fb'],
    ['%', '%25'],
    ['+', '%2B'],
    ['\u0080', '%C2%80'],
  ] as const) {
    assert.notEqual(encodeClientId(a), encodeClientId(b))
  }
})
