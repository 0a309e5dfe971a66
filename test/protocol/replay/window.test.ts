import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type AcceptedSeq, defaultWindowSize, ReplayWindow } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

/** What a window has to answer, remembered without forgetting anything. */
class NaiveWindow {
  readonly size: number
  readonly all = new Map<number, AcceptedSeq>()

  constructor(size: number) {
    this.size = size
  }

  get highest(): number {
    return Math.max(-1, ...this.all.keys())
  }

  isTooOld(seq: number): boolean {
    return seq <= this.highest - this.size
  }

  find(seq: number): AcceptedSeq | undefined {
    return this.isTooOld(seq) ? undefined : this.all.get(seq)
  }
}

function entry(index: number): AcceptedSeq {
  return { index, contentDigest: Uint8Array.of(index & 0xff), qos: index % 3, retain: index % 2 === 0 }
}

test('answers as one that forgets nothing would, whatever the order and size of the jumps', () => {
  // Steps from the highest number so far: mostly small, sometimes far ahead, often behind.
  const step = fc.oneof(fc.integer({ min: -12, max: 3 }), fc.integer({ min: -40, max: 40 }))
  const property = fc.property(fc.integer({ min: 1, max: 10 }), fc.array(step, { maxLength: 120 }), (size, steps) => {
    const window = new ReplayWindow(size)
    const naive = new NaiveWindow(size)
    for (const [index, delta] of steps.entries()) {
      const seq = Math.max(0, naive.highest + delta)
      assert.equal(window.isTooOld(seq), naive.isTooOld(seq))
      assert.equal(window.find(seq), naive.find(seq))
      if (!naive.isTooOld(seq) && naive.find(seq) === undefined) {
        const accepted = entry(index)
        window.accept(seq, accepted)
        naive.all.set(seq, accepted)
      }
      assert.equal(window.highest, naive.highest)
      for (let probe = 0; probe <= naive.highest + 2; probe++) assert.equal(window.find(probe), naive.find(probe))
    }
  })
  fc.assert(property, { seed: fcSeed, numRuns: 400 })
})

test('accepts 0 first, and nothing has been accepted before', () => {
  const window = new ReplayWindow()
  assert.equal(window.size, defaultWindowSize)
  assert.equal(window.highest, -1)
  assert.equal(window.isTooOld(0), false)
  assert.equal(window.find(0), undefined)
  window.accept(0, entry(1))
  assert.equal(window.find(0)?.index, 1)
})

test('a window of 1024 still knows the highest number and 1023 below it, and no more', () => {
  const window = new ReplayWindow()
  for (let seq = 0; seq < 5000; seq++) window.accept(seq, entry(seq))
  assert.equal(window.find(4999)?.index, 4999)
  assert.equal(window.find(4999 - 1023)?.index, 4999 - 1023)
  assert.equal(window.isTooOld(4999 - 1023), false)
  assert.equal(window.isTooOld(4999 - 1024), true)
  assert.equal(window.find(4999 - 1024), undefined)
})

test('a jump to 2^53 - 1 makes every number that is not close to it too old', () => {
  const window = new ReplayWindow(4)
  window.accept(7, entry(1))
  window.accept(Number.MAX_SAFE_INTEGER, entry(2))
  assert.equal(window.isTooOld(7), true)
  assert.equal(window.isTooOld(Number.MAX_SAFE_INTEGER - 4), true)
  assert.equal(window.isTooOld(Number.MAX_SAFE_INTEGER - 3), false)
})
