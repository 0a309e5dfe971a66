import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CborValue,
  decodeRecord,
  type ErasureEvent,
  encodeRecord,
  erasureRecord,
  maxErasureRanges,
  maxErasureReasonBytes,
  maxErasureSeqs,
  mayBeErased,
  parseErasure,
  type RecordKind,
  recordKinds,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { numberedKey } from '../../helpers/keys.ts'

const low = { thumbprint: new Uint8Array(32).fill(1), highest: 0 }
const high = { thumbprint: new Uint8Array(32).fill(2), highest: 2 ** 53 - 1 }
const whole: ErasureEvent = {
  what: 'records',
  ranges: [
    [1, 1],
    [3, 9],
  ],
  reason: 'moved',
  seqs: [low, high],
}

test('an erasure is read as it was written', () => {
  const bodies: ErasureEvent = { what: 'bodies', ranges: [[2, 2]], reason: '', seqs: [] }
  for (const event of [whole, bodies]) {
    const record = erasureRecord(event, { auth: 'password', username: 'ann' }, 5)
    assert.deepEqual(parseErasure(decodeRecord(encodeRecord(record))), event)
  }
})

test('the largest erasure that is admitted is read, and one of a range, a key or a byte more is refused', () => {
  const ranges = (count: number) => Array.from({ length: count }, (_, i) => [1 + 2 * i, 1 + 2 * i] as const)
  const seqs = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const thumbprint = new Uint8Array(32)
      new DataView(thumbprint.buffer).setUint32(0, i)
      return { thumbprint, highest: i }
    })
  const [most, keys, text] = [maxErasureRanges, maxErasureSeqs, 'é'.repeat(maxErasureReasonBytes / 2)]
  const read = (event: ErasureEvent) => parseErasure(erasureRecord(event, { auth: 'none' }, 5))
  assert.equal(read({ what: 'records', ranges: ranges(most), reason: text, seqs: seqs(keys) }).ranges.length, most)
  throwsCode(() => read({ ...whole, ranges: ranges(most + 1) }), 'ERR_RECORD_MALFORMED')
  throwsCode(() => read({ ...whole, seqs: seqs(keys + 1) }), 'ERR_RECORD_MALFORMED')
  throwsCode(() => read({ ...whole, reason: `${text}x` }), 'ERR_RECORD_MALFORMED')
})

describe('an erasure is refused with', () => {
  const { thumbprint } = numberedKey(3)
  const wrong: Record<string, readonly (readonly [field: number, value: CborValue | undefined])[]> = {
    'another kind of thing': [[1, 3]],
    'nothing said of what': [[1, undefined]],
    'no ranges': [[2, undefined]],
    'half a range': [[2, [1, 2, 3]]],
    'a range of text': [[2, ['a', 'b']]],
    'a range that ends before it begins': [[2, [3, 2]]],
    'a range below 0': [[2, [-1, 2]]],
    'no reason': [[3, undefined]],
    'a reason of bytes': [[3, thumbprint]],
    'an empty list of keys': [[4, []]],
    'a key of 31 bytes': [[4, [[thumbprint.subarray(1), 1]]]],
    'a key without number': [[4, [[thumbprint]]]],
    'a negative number': [[4, [[thumbprint, -1]]]],
    'keys out of order': [
      [
        4,
        [
          [high.thumbprint, 1],
          [low.thumbprint, 1],
        ],
      ],
    ],
    'one more field': [[5, 1]],
  }
  for (const [what, changes] of Object.entries(wrong)) {
    test(what, () => {
      const record = erasureRecord(whole, { auth: 'none' }, 5)
      const detail = new Map(record.detail)
      for (const [field, value] of changes) value === undefined ? detail.delete(field) : detail.set(field, value)
      throwsCode(() => parseErasure({ ...record, detail }), 'ERR_RECORD_MALFORMED')
    })
  }
  test('another kind of record', () => {
    throwsCode(
      () => parseErasure({ ...erasureRecord(whole, { auth: 'none' }, 5), kind: 'config' }),
      'ERR_RECORD_MALFORMED',
    )
  })
})

test('publishes and sessions may be erased, and no other kind of record', () => {
  const kinds = Object.keys(recordKinds) as RecordKind[]
  assert.deepEqual(kinds.filter(mayBeErased), ['publish', 'session'])
})
