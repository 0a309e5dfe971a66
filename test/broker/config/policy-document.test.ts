import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { classifyDirective, handledDirectives } from '../../../broker/config/directives.ts'
import { explainTopic } from '../../../broker/config/topic-explanation.ts'
import { refusalCauses } from '../../../protocol/index.ts'
import { assertRefused, interpretText } from './support.ts'

const document = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')
const examples = new Map(
  [...document.matchAll(/<!-- example: ([a-z]+) -->\n```conf\n(.+?)```/gs)].map(([, name = '', text = '']) => [
    name,
    text,
  ]),
)
const combined = examples.get('combined') ?? ''

describe('docs/policy.md', () => {
  test('has examples', () => assert.ok(examples.size >= 6))

  for (const [name, text] of examples) {
    test(`has an example "${name}" that the broker takes`, () => {
      const wrong = interpretText(text).mistakes.filter(({ line = 0 }) => {
        const directive = text.split('\n')[line - 1]?.split(' ')[0] ?? ''
        // A directive that is switched off is described all the same.
        return !(directive in handledDirectives && classifyDirective(directive).kind === 'refused')
      })
      assert.deepEqual(wrong, [])
    })
  }

  test('says of the topics of its first example what the broker does', () => {
    const lines = interpretText(combined).topicLines
    const asked = (topic: string) => {
      const { signed, freshSeconds, keys } = explainTopic(topic, lines).policy
      return [signed, freshSeconds, ...keys]
    }
    assert.deepEqual(asked('plant/press/7/state'), [true, undefined])
    assert.deepEqual(asked('plant/press/7/cmd'), [true, 30])
    assert.deepEqual(asked('plant/guest/door'), [true, undefined, 'porter-*'])
    for (const topic of ['plant/guest/lamp', 'office/lamp', '$SYS/x'])
      assert.deepEqual(asked(topic), [false, undefined])
  })

  test('says rightly that another second line would not start', () => {
    assertRefused(combined.replace('plant/press/+/cmd', 'plant/+/+/cmd'), 'ERR_CONFIG_PROTECT_CONFLICT', 3)
  })

  test('says rightly what the emergency stop asks for', () => {
    const { policy } = explainTopic('plant/7/cmd/stop', interpretText(examples.get('commands') ?? '').topicLines)
    assert.deepEqual([policy.signed, policy.mac], [false, false])
  })

  test('names causes of refusals that there are', () => {
    const [, table = ''] = /\| refused as \|\n(.*?)\n\n/s.exec(document) ?? []
    const named = table.split('\n').flatMap((row) => [...(row.split('|').at(-2) ?? '').matchAll(/`([a-z-]+)`/g)])
    assert.ok(named.length > 8)
    for (const [, cause = ''] of named) assert.ok(Object.hasOwn(refusalCauses, cause), cause)
  })
})
