import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CborValue,
  type ChainRecord,
  coseKeyOfEd25519,
  coseKeyOfP256,
  decodeRecord,
  encodeRecord,
  genesisRecord,
  nobleCrypto,
  type ProtocolErrorCode,
  parseGenesis,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { genesis, goldenCheckpoint, goldenRecords, startMs } from '../../helpers/golden-chain.ts'
import { key11, logPublicKey } from '../../helpers/keys.ts'

const good = genesisRecord(genesis, startMs)

function changed(changes: readonly (readonly [number, CborValue | undefined])[]): ChainRecord {
  const detail = new Map(good.detail)
  for (const [label, value] of changes) {
    if (value === undefined) detail.delete(label)
    else detail.set(label, value)
  }
  return { ...good, detail }
}

const next = goldenRecords(nobleCrypto)['genesis-after-recovery'].record
const predecessor = next.detail?.get(6) as ReadonlyMap<number, CborValue>
/** The genesis of a log that continues another, with one member of that altered. */
const continuing = (member: number, value: CborValue): ChainRecord => ({
  ...next,
  detail: new Map(next.detail).set(6, new Map(predecessor).set(member, value)),
})

const parameters = (treeHash: number, saltBytes: number) =>
  new Map([
    [1, treeHash],
    [2, saltBytes],
  ])

describe('the genesis record', () => {
  test('says after encoding what was put into it', () => {
    assert.deepEqual(parseGenesis(decodeRecord(encodeRecord(good)), nobleCrypto), genesis)
  })

  test('says which log it continues', () => {
    const { continues, origin } = parseGenesis(decodeRecord(encodeRecord(next)), nobleCrypto)
    assert.equal(continues?.note, goldenCheckpoint(nobleCrypto))
    assert.equal(origin, 'example.com/plant/log-2')
  })

  const offCurve = new Map<number, CborValue>([...coseKeyOfP256(key11), [-3, key11.x]])
  const privateKey = new Map<number, CborValue>([...coseKeyOfP256(key11), [-4, key11.d]])
  const logKey = coseKeyOfEd25519(logPublicKey)
  const refused: readonly (readonly [string, ProtocolErrorCode, ChainRecord])[] = [
    ['another kind', 'ERR_RECORD_MALFORMED', { ...good, kind: 'publish' }],
    ['no detail', 'ERR_RECORD_MALFORMED', { kind: 'genesis', timeMs: startMs }],
    ['another format version', 'ERR_RECORD_MALFORMED', changed([[1, 2]])],
    ['no origin', 'ERR_RECORD_MALFORMED', changed([[2, undefined]])],
    ['an origin that is bytes', 'ERR_RECORD_MALFORMED', changed([[2, key11.x]])],
    ['a detail more', 'ERR_RECORD_MALFORMED', changed([[6, 0]])],
    ['a broker key off the curve', 'ERR_KEY_INVALID', changed([[3, offCurve]])],
    ['a private broker key', 'ERR_KEY_UNSUPPORTED', changed([[3, privateKey]])],
    ['an Ed25519 broker key', 'ERR_KEY_UNSUPPORTED', changed([[3, logKey]])],
    ['a broker key that is bytes', 'ERR_KEY_UNSUPPORTED', changed([[3, key11.x]])],
    ['a log key on P-256', 'ERR_KEY_UNSUPPORTED', changed([[4, coseKeyOfP256(key11)]])],
    ['a log key of 31 bytes', 'ERR_KEY_INVALID', changed([[4, coseKeyOfEd25519(logPublicKey.subarray(1))]])],
    ['a log key with more members', 'ERR_KEY_UNSUPPORTED', changed([[4, new Map([...logKey, [3, -8]])]])],
    ['a log key that is bytes', 'ERR_KEY_UNSUPPORTED', changed([[4, logPublicKey]])],
    ['another tree hash', 'ERR_RECORD_MALFORMED', changed([[5, parameters(2, 16)]])],
    ['another salt length', 'ERR_RECORD_MALFORMED', changed([[5, parameters(1, 32)]])],
    ['a log before that did not sign its checkpoint', 'ERR_RECORD_MALFORMED', continuing(3, logKey)],
    ['a log before that has no checkpoint', 'ERR_RECORD_MALFORMED', continuing(1, 'no note')],
    ['a log before with a member more', 'ERR_RECORD_MALFORMED', continuing(4, 0)],
    [
      'the name of the log that it continues',
      'ERR_RECORD_MALFORMED',
      { ...next, detail: new Map(next.detail).set(2, genesis.origin) },
    ],
    ['a parameter more', 'ERR_RECORD_MALFORMED', changed([[5, new Map([...parameters(1, 16), [3, 0]])]])],
  ]
  for (const [name, code, record] of refused) {
    test(`is refused with ${name} (${code})`, () => throwsCode(() => parseGenesis(record, nobleCrypto), code))
  }
})
