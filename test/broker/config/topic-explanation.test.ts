import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConfigLine } from '../../../broker/config/lexer.ts'
import type { TopicLines } from '../../../broker/config/resolve.ts'
import { explainTopic } from '../../../broker/config/topic-explanation.ts'
import type { ProtectRule } from '../../../broker/options.ts'

const line = (lineNumber: number): ConfigLine => ({ file: 't.conf', lineNumber, name: 'notary_x', value: '' })

function topicLines(
  rules: readonly ProtectRule[],
  provenance: Readonly<Record<number, string>> = {},
  unwrap: Readonly<Record<number, string>> = {},
): TopicLines {
  const lined = (filters: Readonly<Record<number, string>>) =>
    new Map(Object.entries(filters).map(([number, filter]) => [line(Number(number)), filter]))
  return {
    protect: new Map(rules.map((rule, index) => [rule, line(index + 1)])),
    provenance: lined(provenance),
    unwrap: lined(unwrap),
  }
}

const rules: readonly ProtectRule[] = [
  { filter: '#', tls: true },
  { filter: 'plant/#', signed: true },
  { filter: 'plant/open/#', none: true },
  { filter: 'plant/open/cmd', freshSeconds: 30 },
  { filter: 'other', signed: true },
]

/** `line`, or `line < line of the none that removes it`. */
const found = (topic: string, lines: TopicLines) =>
  explainTopic(topic, lines).lines.map(({ line: { lineNumber }, removedBy }) =>
    removedBy === undefined ? `${lineNumber}` : `${lineNumber} < ${removedBy.lineNumber}`,
  )

describe('what a configuration says about a topic', () => {
  test('comes from the lines whose filters cover it, in file order, those that a none removes included', () => {
    const lines = topicLines(rules)
    assert.deepEqual(found('plant/7', lines), ['1', '2'])
    assert.deepEqual(found('plant/open/x', lines), ['1 < 3', '2 < 3', '3'])
    assert.deepEqual(found('plant/open/cmd', lines), ['1 < 3', '2 < 3', '3', '4'])
    assert.deepEqual(found('$SYS/broker', lines), [])
  })

  test('is the policy that the broker applies', () => {
    const { policy } = explainTopic('plant/open/cmd', topicLines(rules))
    assert.deepEqual([policy.signed, policy.freshSeconds, policy.tls], [true, 30, false])
    assert.equal(explainTopic('plant/7', topicLines(rules)).policy.tls, true)
  })

  test('is also whether subscribers are told who published, and get the inner payload', () => {
    const lines = topicLines(rules, { 7: 'plant/+', 8: 'other' }, { 9: '#' })
    assert.deepEqual(found('plant/7', lines), ['1', '2', '7', '9'])
    const told = (topic: string) => {
      const { isProvenanceAdded, isUnwrapped } = explainTopic(topic, lines)
      return [isProvenanceAdded, isUnwrapped]
    }
    assert.deepEqual(
      [told('plant/7'), told('plant/7/x'), told('$SYS/x')],
      [
        [true, true],
        [false, true],
        [false, false],
      ],
    )
  })

  test('is also whether the topic belongs to the broker', () => {
    const isBrokers = (topic: string) => explainTopic(topic, topicLines(rules)).isBrokerTopic
    assert.deepEqual(['$notary/admin/request', '$SYS/broker/uptime', 'plant', '$other'].map(isBrokers), [
      true,
      true,
      false,
      false,
    ])
  })
})
