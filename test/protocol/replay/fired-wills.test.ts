import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FiredWills } from '../../../protocol/index.ts'

const digest = (n: number) => new Uint8Array(32).fill(n)

test('the same will may fire again, another under its number may not, before and after it was stored', () => {
  const wills = new FiredWills()
  wills.fire(5, digest(1))
  wills.fire(5, digest(1))
  for (const one of [wills, FiredWills.decode(wills.encode())]) {
    assert.deepEqual(
      [one.mayFire(5, digest(1)), one.mayFire(5, digest(2)), one.mayFire(6, digest(2))],
      [true, false, true],
    )
    assert.deepEqual(one.seqs, [5])
  }
  assert.equal(wills.changes, 1)
})

test('the newest 1024 different wills are remembered', () => {
  const wills = new FiredWills()
  for (let seq = 0; seq <= 1024; seq++) wills.fire(seq, digest(1))
  assert.equal(wills.seqs.length, 1024)
  assert.deepEqual([wills.mayFire(0, digest(2)), wills.mayFire(1, digest(2))], [true, false])
})
