import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { concatBytes } from '../../../protocol/bytes.ts'
import {
  encodeExchangeFrame,
  encodeFrame,
  FrameReader,
  frameMacBytes,
  openExchangeFrame,
  toHex,
} from '../../../protocol/index.ts'
import { bytes, bytesOf, fcSeed } from '../../helpers/arbitraries.ts'
import { codeOf, throwsCode } from '../../helpers/codes.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { hex } from '../../helpers/vectors.ts'

describe('a frame of the secure link', () => {
  test('is its length as u32 big-endian, the content and 32 bytes of MAC', () => {
    const frame = encodeFrame(hex('aabbcc'), new Uint8Array(32).fill(0x11))
    assert.equal(toHex(frame), `00000003aabbcc${'11'.repeat(32)}`)
    assert.equal(toHex(encodeExchangeFrame(hex('aabbcc'))), `00000003aabbcc${'00'.repeat(32)}`)
  })
  test('comes out of the reader as it went in, however the stream is cut', () => {
    const frames = fc.array(fc.tuple(bytes(90), bytesOf(frameMacBytes)), { maxLength: 6 })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }), (sent, cuts) => {
        const stream = concatBytes(...sent.map(([content, mac]) => encodeFrame(content, mac)))
        const reader = new FrameReader(90)
        const received: string[][] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + (cuts[i % cuts.length] as number)
          for (const { content, mac } of reader.push(stream.subarray(at, end)))
            received.push([toHex(content), toHex(mac)])
          at = end
        }
        assert.deepEqual(
          received,
          sent.map(([content, mac]) => [toHex(content), toHex(mac)]),
        )
        assert.equal(reader.isWithinFrame, false)
      }),
      { seed: fcSeed, numRuns: 300 },
    )
  })
  test('is the reader’s own memory: what the socket does with its buffer later changes nothing', () => {
    const stream = encodeExchangeFrame(hex('aabbcc'))
    const [frame] = new FrameReader(3).push(stream)
    stream.fill(0xff)
    assert.equal(toHex(frame?.content ?? stream), 'aabbcc')
  })
  test('that is cut off leaves the reader within a frame', () => {
    const frame = encodeExchangeFrame(hex('aabbcc'))
    for (let length = 1; length < frame.length; length++) {
      const reader = new FrameReader(3)
      assert.deepEqual(reader.push(frame.subarray(0, length)), [])
      assert.equal(reader.isWithinFrame, true, `${length} bytes`)
    }
  })
  test('may have as much content as is admitted, and not a byte more', () => {
    assert.equal(new FrameReader(3).push(encodeExchangeFrame(hex('aabbcc'))).length, 1)
    assert.equal(new FrameReader(0).push(encodeExchangeFrame(hex(''))).length, 1)
    throwsCode(() => new FrameReader(2).push(encodeExchangeFrame(hex('aabbcc'))), 'ERR_LINK_FRAME_TOO_LARGE')
  })
  test('that claims 1 GB or 4 GB is refused at its length, and no memory is taken for it', () => {
    const before = process.memoryUsage().arrayBuffers
    for (const claim of ['40000000', 'ffffffff', '00010001']) {
      throwsCode(() => new FrameReader(65_536).push(hex(claim)), 'ERR_LINK_FRAME_TOO_LARGE', claim)
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
  })
  test('of the key exchange has no MAC', () => {
    const zero = new Uint8Array(frameMacBytes)
    assert.equal(toHex(openExchangeFrame({ content: hex('aa'), mac: zero })), 'aa')
    for (const at of [0, 31]) {
      throwsCode(() => openExchangeFrame({ content: hex('aa'), mac: zero.with(at, 1) }), 'ERR_MAC_INVALID')
    }
  })
})

test('20,000 random pieces make frames or one known error, and never more memory than a frame may take', () => {
  const random = new SeededRandom(11)
  let [frames, refusals] = [0, 0]
  let reader = new FrameReader(64)
  for (let i = 0; i < 20_000; i++) {
    const piece = random.bytes(random.below(60))
    // Lengths about the limit, so that frames are read as well.
    if (!reader.isWithinFrame && random.below(10) > 0) {
      piece.fill(0, 0, 3)
      if (piece.length > 3) piece[3] = random.below(70)
    }
    const code = codeOf(() => {
      for (const { content, mac } of reader.push(piece)) {
        assert.ok(content.length <= 64 && mac.length === frameMacBytes)
        frames++
      }
    })
    if (code === undefined) continue
    assert.equal(code, 'ERR_LINK_FRAME_TOO_LARGE')
    refusals++
    reader = new FrameReader(64)
  }
  assert.ok(frames > 500 && refusals > 500, `${frames} frames, ${refusals} refusals`)
})
