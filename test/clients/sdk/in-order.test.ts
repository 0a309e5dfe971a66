import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { InOrder } from '../../../clients/sdk/in-order.ts'

test('results come in the order of the things, however long each takes', async () => {
  const inOrder = new InOrder(Promise.resolve())
  const told: number[] = []
  let finishFirst: (value: number) => void = () => {}
  inOrder.push(new Promise<number>((resolve) => (finishFirst = resolve)), (n) => told.push(n))
  inOrder.push(Promise.resolve(2), (n) => told.push(n))
  await turn()
  assert.deepEqual(told, [])
  finishFirst(1)
  await turn()
  assert.deepEqual(told, [1, 2])
})

test('whoever brings more than fits has to wait, but not before anything is handed on', async () => {
  let release: () => void = () => {}
  const inOrder = new InOrder(new Promise((resolve) => (release = resolve)))
  let finish: () => void = () => {}
  const work = new Promise<void>((resolve) => (finish = resolve))
  for (let i = 0; i < 256; i++) inOrder.push(work, () => {})
  await inOrder.room()
  release()
  await turn()
  let hasRoom = false
  const room = inOrder.room().then(() => {
    hasRoom = true
  })
  await turn()
  assert.equal(hasRoom, false)
  finish()
  await room
})
