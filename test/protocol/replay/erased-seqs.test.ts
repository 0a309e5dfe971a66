import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ReplayWindow } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const size = 64

/** Accepts what the window admits, as the broker does. @returns what was accepted, by index */
function accept(window: ReplayWindow, seqs: readonly number[]): Map<number, number> {
  const accepted = new Map<number, number>()
  for (const [i, seq] of seqs.entries()) {
    if (window.isTooOld(seq) || window.find(seq) !== undefined) continue
    window.accept(seq, { index: i + 1, contentDigest: new Uint8Array(32), qos: 0, retain: false })
    accepted.set(i + 1, seq)
  }
  return accepted
}

const refuses = (window: ReplayWindow, seq: number) => window.isTooOld(seq) || window.find(seq) !== undefined

test('a window filled from what an erasure left refuses exactly what the one that saw everything refuses', () => {
  const seqs = fc.array(fc.nat(300), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(seqs, fc.func(fc.boolean()), fc.option(fc.constantFrom(80, 128)), (given, isErased, resized) => {
      const all = new ReplayWindow(size)
      const accepted = accept(all, given)
      if (resized !== null) all.resize(resized)
      const left = new ReplayWindow(size)
      const erased: number[] = []
      for (const [index, seq] of accepted) {
        if (isErased(index)) erased.push(seq)
        else left.accept(seq, { index, contentDigest: new Uint8Array(32), qos: 0, retain: false })
      }
      if (resized !== null) left.resize(resized)
      if (erased.length > 0) for (const window of [all, left]) window.giveUpTo(Math.max(...erased))
      for (let seq = 0; seq < 400; seq++) assert.equal(refuses(left, seq), refuses(all, seq), `${seq}`)
      assert.equal(left.highest, all.highest)
      // What a snapshot keeps of it is the same again.
      const restored = ReplayWindow.decode(left.encode())
      for (let seq = 0; seq < 400; seq++) assert.equal(refuses(restored, seq), refuses(all, seq), `${seq} restored`)
    }),
    { seed: fcSeed },
  )
})

test('numbers above those given up are accepted, once each', () => {
  const window = new ReplayWindow(size)
  window.giveUpTo(10)
  assert.deepEqual([...accept(window, [10, 11, 11, 200, 137, 136]).values()], [11, 200, 137])
})

test('giving up what is too old anyway changes nothing', () => {
  const window = new ReplayWindow(size)
  accept(window, [200])
  const { changes } = window
  window.giveUpTo(136)
  assert.equal(window.changes, changes)
  assert.equal(window.isTooOld(137), false)
})
