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
import { genesis, startMs } from '../../helpers/golden-chain.ts'
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

const parameters = (treeHash: number, saltBytes: number) =>
  new Map([
    [1, treeHash],
    [2, saltBytes],
  ])

describe('the genesis record', () => {
  test('says after encoding what was put into it', () => {
    assert.deepEqual(parseGenesis(decodeRecord(encodeRecord(good)), nobleCrypto), genesis)
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
    ['a parameter more', 'ERR_RECORD_MALFORMED', changed([[5, new Map([...parameters(1, 16), [3, 0]])]])],
  ]
  for (const [name, code, record] of refused) {
    test(`is refused with ${name} (${code})`, () => throwsCode(() => parseGenesis(record, nobleCrypto), code))
  }
})
