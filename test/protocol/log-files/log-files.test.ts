import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bundleKinds,
  decodeRecordItem,
  encodeItems,
  encodeRecordItem,
  entriesPath,
  type LogFile,
  logFilePath,
  ProtocolError,
  parseItems,
  parseLogFilePath,
  recordLengthBytes,
} from '../../../protocol/index.ts'

const width = fc.integer({ min: 1, max: 256 })
const index = fc.oneof(fc.nat({ max: 2000 }), fc.integer({ min: 0, max: 2 ** 45 - 1 }))
const anyFile: fc.Arbitrary<LogFile> = fc.oneof(
  fc.constant<LogFile>({ kind: 'checkpoint' }),
  fc
    .tuple(fc.nat({ max: 7 }), index, width)
    .map(([level, index, width]): LogFile => ({ kind: 'tile', level, index, width })),
  fc
    .tuple(fc.constantFrom(...bundleKinds), index, width)
    .map(([kind, index, width]): LogFile => ({ kind, index, width })),
)
const isMalformed = (error: unknown) => error instanceof ProtocolError && error.code === 'ERR_LOG_FILE_MALFORMED'

test('the path of every file is read back as that file', () => {
  fc.assert(
    fc.property(anyFile, (file) => assert.deepEqual(parseLogFilePath(logFilePath(file)), file)),
    { seed: 61, numRuns: 500 },
  )
})

test('the paths of tiles and entries are those of C2SP tlog-tiles', () => {
  const paths = ['tile/0/x001/x234/067', 'tile/3/000.p/255', 'tile/entries/x012/345.p/1']
  const found = paths.map(parseLogFilePath)
  assert.deepEqual(found, [
    { kind: 'tile', level: 0, index: 1_234_067, width: 256 },
    { kind: 'tile', level: 3, index: 0, width: 255 },
    { kind: 'entries', index: 12_345, width: 1 },
  ])
  assert.equal(logFilePath({ kind: 'entries', index: 12_345, width: 1 }), entriesPath({ index: 12_345, width: 1 }))
})

test('nothing else is a path: no other spelling, no way out of the folder', () => {
  const others = [
    ...['', '/', '/checkpoint', 'checkpoint/', 'Checkpoint', 'checkpoint.previous', 'log.json', 'keys/log.vkey'],
    ...['tile/0/0', 'tile/0/00', 'tile/0/0000', 'tile/0/x000/001', 'tile/0/001/002', 'tile/00/000', 'tile/8/000'],
    ...['tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/0/000.p/', 'tile/0/000.p', 'tile/0/000.p/1/'],
    ...['tile/entries/000.p/300', 'headers/000.p/257', 'tile/data/000', 'tile/-1/000', 'tile/0/x000/x000/x000/000'],
    ...['tile/0/../../checkpoint', '../checkpoint', 'tile/0/%30%30%30', 'tile/0/000\n', 'records/000.p/1e1'],
    ...['tile/0/x999/x999/x999/x999/x999/999'],
  ]
  for (const path of others) assert.equal(parseLogFilePath(path), undefined, path)
})

test('no path at all makes the parser give what it would not write itself', () => {
  const part = fc.constantFrom(
    'tile',
    'entries',
    '0',
    '7',
    '/',
    'x001',
    '000',
    '256',
    '.p/',
    '..',
    'headers',
    '%2e',
    '1',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
      const file = parseLogFilePath(parts.join(''))
      if (file !== undefined) assert.equal(logFilePath(file), parts.join(''))
    }),
    { seed: 62, numRuns: 2000 },
  )
})

test('items of a bundle are read back; one that is cut anywhere inside of an item is refused', () => {
  const items = [Buffer.from('a'), new Uint8Array(0), new Uint8Array(300).fill(7)]
  const bundle = encodeItems(items)
  assert.equal(Buffer.from(bundle.subarray(0, 5)).toString('hex'), '0001610000')
  assert.deepEqual(
    parseItems(bundle).map((item) => Buffer.from(item)),
    items.map((item) => Buffer.from(item)),
  )
  const ends = [0, 3, 5, 307]
  for (let end = 0; end < bundle.length; end++) {
    const cut = bundle.slice(0, end)
    if (ends.includes(end)) assert.equal(parseItems(cut).length, ends.indexOf(end))
    else assert.throws(() => parseItems(cut), isMalformed, `${end}`)
  }
  assert.throws(() => encodeItems([new Uint8Array(65_536)]), RangeError)
})

test('an item of a bundle of records holds what a block has for it', () => {
  const leaf = new Uint8Array(45).fill(2)
  const salt = new Uint8Array(16).fill(1)
  const record = Uint8Array.of(0xa0)
  const erased = { leaf, salt: undefined, record: undefined, body: undefined }
  const kept = [undefined, new Uint8Array(0), Buffer.from('open')].map((body) => ({ leaf, salt, record, body }))
  for (const entry of [...kept, erased]) {
    const item = encodeRecordItem(entry)
    assert.equal(Buffer.from(item).readUInt32BE(), item.length - recordLengthBytes)
    const found = decodeRecordItem(item.subarray(recordLengthBytes), leaf)
    assert.deepEqual(
      [found.leaf, found.salt, found.record, found.body].map((one) => one && Buffer.from(one)),
      [entry.leaf, entry.salt, entry.record, entry.body].map((one) => one && Buffer.from(one)),
    )
    const isRefused = (error: unknown) => error instanceof ProtocolError
    assert.throws(() => decodeRecordItem(item, leaf), isRefused)
    assert.throws(() => decodeRecordItem(item.subarray(recordLengthBytes, -1), leaf), isRefused)
  }
})
