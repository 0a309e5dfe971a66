import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type AcceptedSeq,
  type CborValue,
  decodeCbor,
  defaultWindowSize,
  encodeCbor,
  ReplayWindow,
} from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { throwsCode } from '../../helpers/codes.ts'

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
  return {
    index: index + 1,
    contentDigest: new Uint8Array(32).fill(index & 0xff),
    qos: index % 3,
    retain: index % 2 === 0,
  }
}

test('answers as one that forgets nothing would, whatever the order and size of the jumps', () => {
  // Steps from the highest number so far: mostly small, sometimes far ahead, often behind.
  const step = fc.oneof(fc.integer({ min: -12, max: 3 }), fc.integer({ min: -40, max: 40 }))
  const property = fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 120 }), (size, steps) => {
    let window = new ReplayWindow(size)
    const naive = new NaiveWindow(size)
    for (const [index, delta] of steps.entries()) {
      const seq = Math.max(0, naive.highest + delta)
      assert.equal(window.isTooOld(seq), naive.isTooOld(seq))
      assert.deepEqual(window.find(seq), naive.find(seq))
      if (!naive.isTooOld(seq) && naive.find(seq) === undefined) {
        const accepted = entry(index)
        window.accept(seq, accepted)
        naive.all.set(seq, accepted)
      }
      assert.equal(window.highest, naive.highest)
      if (index % 50 === 49) window = ReplayWindow.decode(window.encode())
      for (let probe = 0; probe <= naive.highest + 2; probe++) assert.deepEqual(window.find(probe), naive.find(probe))
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
  assert.equal(window.find(0)?.index, 2)
})

test('a window of 1024 still knows the highest number and 1023 below it, and no more', () => {
  const window = new ReplayWindow()
  for (let seq = 0; seq < 5000; seq++) window.accept(seq, entry(seq))
  assert.equal(window.find(4999)?.index, 5000)
  assert.equal(window.find(4999 - 1023)?.index, 5000 - 1023)
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

test('a larger window knows nothing of what lay below the smaller one, and goes on saying so', () => {
  const window = new ReplayWindow(64)
  for (let seq = 0; seq < 200; seq++) window.accept(seq, entry(seq))
  window.resize(1024)
  assert.equal(window.isTooOld(135), true)
  assert.equal(window.isTooOld(136), false)
  assert.equal(ReplayWindow.decode(window.encode()).isTooOld(135), true)
  for (let seq = 200; seq < 1300; seq++) window.accept(seq, entry(seq))
  assert.equal(window.floor, 1299 - 1023)
  window.resize(64)
  assert.deepEqual([window.isTooOld(1235), window.find(1236)?.index], [true, 1237])
})

test('the reuse of a number is noted once, and only for a number that is known', () => {
  const window = new ReplayWindow()
  window.accept(5, { index: 9, contentDigest: new Uint8Array(32), qos: 2, retain: true })
  assert.deepEqual([window.reportReuse(4), window.reportReuse(5), window.reportReuse(5)], [false, true, false])
  const again = ReplayWindow.decode(window.encode())
  assert.deepEqual([again.isReuseReported(5), again.isReuseReported(4)], [true, false])
  assert.deepEqual([again.find(5)?.qos, again.find(5)?.retain], [2, true])
})

test('what changed a window is counted, and looking at it changes nothing', () => {
  const window = new ReplayWindow()
  const before = window.changes
  window.find(1)
  window.isTooOld(1)
  window.encode()
  assert.equal(window.changes, before)
  window.accept(1, entry(1))
  const accepted = window.changes
  window.reportReuse(1)
  window.resize(2048)
  assert.ok(before < accepted && accepted + 1 < window.changes)
})

test('bytes that are no window are refused', () => {
  const window = new ReplayWindow(64)
  for (const seq of [10, 12, 70]) window.accept(seq, entry(seq))
  const encoded = window.encode()
  const parts = decodeCbor(encoded) as [number, number, number, Uint8Array]
  const [size, floor, highest, packed] = parts
  const wrong: readonly CborValue[] = [
    [65_537, floor, highest, packed],
    [size, floor, -2, packed],
    [size, floor, highest, packed.subarray(1)],
    [size, floor, 69, packed],
    [size, 13, highest, packed],
    [2, floor, highest, packed],
    [size, floor, highest, new Uint8Array(49)],
  ]
  for (const value of wrong) throwsCode(() => ReplayWindow.decode(encodeCbor(value)), 'ERR_BLOCK_MALFORMED')
  throwsCode(() => ReplayWindow.decode(encodeCbor([1, 2])), 'ERR_CBOR_UNEXPECTED')
})

test('a window takes room for the numbers in use, not for all that it may have', () => {
  const window = new ReplayWindow(65_536)
  for (let seq = 0; seq < 1e9; seq += 1e5) window.accept(seq, entry(seq))
  assert.ok(window.encode().length < 200, 'only the highest is in use')
})
