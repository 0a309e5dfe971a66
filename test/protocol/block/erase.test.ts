import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeBlock,
  decodeRecord,
  type Erasable,
  eraseFrom,
  isBodyErased,
  RangeSet,
  toHex,
} from '../../../protocol/index.ts'
import type { StoredBlock } from '../../helpers/chain.ts'
import { kept } from '../../helpers/faults.ts'
import { goldenChain } from '../../helpers/golden-chain.ts'

const everything = new RangeSet([[1, 1000]])
const blockOf = (height: number) => goldenChain().blocks[height] as StoredBlock
const erase = (encoded: Uint8Array, what: Erasable, indexes: RangeSet) => eraseFrom(decodeBlock(encoded), what, indexes)
const erased = (...args: Parameters<typeof erase>) => {
  const encoded = erase(...args)
  if (encoded === undefined) throw new Error('nothing was erased')
  return { encoded, ...decodeBlock(encoded) }
}

test('without its payloads a block keeps header, leaves, records and salts', () => {
  const before = decodeBlock(blockOf(2).encoded)
  const after = erased(blockOf(2).encoded, 'bodies', everything)
  assert.equal(toHex(after.signed), toHex(before.signed))
  assert.deepEqual(
    after.entries,
    before.entries.map((entry) => ({ ...entry, body: undefined })),
  )
  for (const entry of after.entries) assert.ok(isBodyErased(decodeRecord(kept(entry).record), entry.body))
})

test('without its records a block keeps header and leaves', () => {
  const before = decodeBlock(blockOf(2).encoded)
  const after = erased(blockOf(2).encoded, 'records', everything)
  assert.equal(toHex(after.signed), toHex(before.signed))
  assert.deepEqual(
    after.entries,
    before.entries.map(({ leaf }) => ({ leaf, salt: undefined, record: undefined, body: undefined })),
  )
  const bytes = Buffer.from(after.encoded)
  for (const entry of before.entries) {
    const { record, salt } = kept(entry)
    assert.ok(!bytes.includes(Buffer.from(record)) && !bytes.includes(Buffer.from(salt)))
  }
})

test('a key event stays, whatever an erasure names', () => {
  const { entries } = erased(blockOf(1).encoded, 'records', everything)
  assert.equal(decodeRecord(kept(entries[0]).record).kind, 'key')
  assert.equal(entries[1]?.record, undefined)
})

test('only what is named is erased, and nothing a second time', () => {
  const once = erased(blockOf(2).encoded, 'bodies', new RangeSet([[4, 4]]))
  assert.notEqual(once.entries[0]?.body, undefined)
  assert.equal(once.entries[1]?.body, undefined)
  assert.equal(erase(once.encoded, 'bodies', new RangeSet([[4, 4]])), undefined)
  assert.equal(erase(once.encoded, 'bodies', new RangeSet([[5, 9]])), undefined)
  const gone = erased(once.encoded, 'records', everything)
  assert.equal(erase(gone.encoded, 'records', everything), undefined)
  assert.equal(erase(gone.encoded, 'bodies', everything), undefined)
})
