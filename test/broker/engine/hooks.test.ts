import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardHook, guardHooks } from '../../../broker/engine/hooks.ts'

type Answer = (error: Error | null, value?: string) => void

const boom = new Error('boom')

/** Runs a hook under the guard. @returns what was answered and what was reported */
function guarded(hook: (name: string, answer: Answer) => void): { answers: unknown[][]; errors: unknown[] } {
  const answers: unknown[][] = []
  const errors: unknown[] = []
  const run = guardHook(
    hook,
    (answer) => answer(new Error('refused')),
    (error) => errors.push(error),
  )
  run('name', (...results) => answers.push(results))
  return { answers, errors }
}

test('a hook that answers is passed on as it is', () => {
  const { answers, errors } = guarded((name, answer) => answer(null, name))
  assert.deepEqual([answers, errors], [[[null, 'name']], []])
})

test('a hook that throws refuses, and what it threw is reported', () => {
  const { answers, errors } = guarded(() => {
    throw boom
  })
  assert.deepEqual(answers, [[new Error('refused')]])
  assert.deepEqual(errors, [boom])
})

test('a hook that answers twice is heard once', () => {
  const { answers } = guarded((_name, answer) => {
    answer(null, 'first')
    answer(null, 'second')
  })
  assert.deepEqual(answers, [[null, 'first']])
})

test('a hook that throws after it answered is heard, and what it threw is reported', () => {
  const { answers, errors } = guarded((_name, answer) => {
    answer(null, 'first')
    throw boom
  })
  assert.deepEqual([answers, errors], [[[null, 'first']], [boom]])
})

test('every hook of the engine is guarded: each one that throws refuses in its own way', () => {
  const throwing = () => {
    throw boom
  }
  const errors: unknown[] = []
  const hooks = guardHooks(
    {
      preConnect: throwing,
      authenticate: throwing,
      authorizePublish: throwing,
      authorizeSubscribe: throwing,
      authorizeForward: throwing,
    },
    (error) => errors.push(error),
  )
  const answers: Record<string, unknown[]> = {}
  const into =
    (name: string) =>
    (...results: unknown[]) => {
      answers[name] = results
    }
  const none = undefined as never
  hooks.preConnect(none, none, into('preConnect'))
  hooks.authenticate(none, none, none, into('authenticate'))
  hooks.authorizePublish(none, none, into('authorizePublish'))
  hooks.authorizeSubscribe(none, none, into('authorizeSubscribe'))
  const refused = new Error('not authorized')
  assert.deepEqual(answers.preConnect, [refused, false])
  assert.deepEqual(answers.authenticate, [Object.assign(new Error('not authorized'), { returnCode: 5 }), null])
  assert.deepEqual(answers.authorizePublish, [refused])
  assert.deepEqual(answers.authorizeSubscribe, [null, null])
  assert.equal(hooks.authorizeForward(none, none), null)
  assert.deepEqual(errors, [boom, boom, boom, boom, boom])
})
