import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeEveryStep } from '../../broker/every-step.ts'

test('every step is taken in its order, whatever came of those before it', async () => {
  const taken: string[] = []
  const told: unknown[] = []
  const [first, second] = [new Error('first'), new Error('second')]
  const steps = [
    () => taken.push('a'),
    async () => {
      await new Promise(setImmediate)
      taken.push('b')
      throw first
    },
    () => {
      taken.push('c')
      throw second
    },
    () => taken.push('d'),
  ]
  await assert.rejects(
    takeEveryStep(steps, (error) => told.push(error)),
    (error) => error === first,
  )
  assert.deepEqual(taken, ['a', 'b', 'c', 'd'])
  assert.deepEqual(told, [second])
})

test('steps that all succeed tell nobody', async () => {
  const told: unknown[] = []
  await takeEveryStep([() => undefined, () => Promise.resolve()], (error) => told.push(error))
  assert.deepEqual(told, [])
})
