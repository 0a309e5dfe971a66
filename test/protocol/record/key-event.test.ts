import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type CborValue,
  type ChainRecord,
  coseKeyOfEd25519,
  coseKeyOfP256,
  decodeRecord,
  encodeRecord,
  type KeyEvent,
  keyEventRecord,
  nobleCrypto,
  type ProtocolErrorCode,
  parseKeyEvent,
} from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { key11, keyMeriadoc, logPublicKey, publicOf } from '../../helpers/keys.ts'

const requester = { clientId: 'admin-1', username: 'alice', auth: 'certificate', listener: 'mqtts://:8883' } as const
const { thumbprint } = key11
const events: readonly KeyEvent[] = [
  { action: 'enroll', thumbprint, key: publicOf(key11), name: 'sensor-1' },
  { action: 'revoke', thumbprint },
  { action: 'revoke', thumbprint, reason: 'lost' },
  {
    action: 'enroll',
    thumbprint,
    key: publicOf(key11),
    name: 'sensor-1',
    restrictions: { clients: ['s-*'], users: ['ann'], topics: ['a/#'], clock: 'none', window: 64, gateway: true },
    proof: Uint8Array.of(1),
    replaces: keyMeriadoc.thumbprint,
  },
  { action: 'restrict', thumbprint, restrictions: {} },
  { action: 'restrict', thumbprint, restrictions: { window: 65_536 } },
  { action: 'retire', thumbprint, lastIndex: 7 },
]

function record(detail: readonly (readonly [number, CborValue])[], more: Partial<ChainRecord> = {}): ChainRecord {
  return { kind: 'key', timeMs: 1, auth: 'none', thumbprint, detail: new Map(detail), ...more }
}

describe('a key event', () => {
  test('says after encoding what was put into it, and who asked for it', () => {
    for (const event of events) {
      const decoded = decodeRecord(encodeRecord(keyEventRecord(event, requester, 5)))
      assert.deepEqual(parseKeyEvent(decoded, nobleCrypto), event)
      const { clientId, username, auth, listener, timeMs } = decoded
      assert.deepEqual({ clientId, username, auth, listener }, requester)
      assert.equal(timeMs, 5)
    }
  })

  const key = coseKeyOfP256(key11)
  const enroll: readonly (readonly [number, CborValue])[] = [
    [1, 1],
    [2, key],
    [3, 'sensor-1'],
  ]
  const offCurve = new Map<number, CborValue>([...key, [-3, key11.x]])
  const refused: readonly (readonly [string, ProtocolErrorCode, ChainRecord])[] = [
    ['another kind', 'ERR_RECORD_MALFORMED', record(enroll, { kind: 'publish' })],
    ['no detail', 'ERR_RECORD_MALFORMED', { kind: 'key', timeMs: 1, thumbprint }],
    ['no thumbprint', 'ERR_RECORD_MALFORMED', { kind: 'key', timeMs: 1, detail: new Map(enroll) }],
    ['no action', 'ERR_RECORD_MALFORMED', record([])],
    ['an unknown action', 'ERR_RECORD_MALFORMED', record([[1, 7]])],
    ['a restriction without restrictions', 'ERR_RECORD_MALFORMED', record([[1, 3]])],
    ['a retirement without a last index', 'ERR_RECORD_MALFORMED', record([[1, 4]])],
    ['a proof that is text', 'ERR_RECORD_MALFORMED', record([...enroll, [6, 'x']])],
    ['a short replaced key', 'ERR_RECORD_MALFORMED', record([...enroll, [7, Uint8Array.of(1)]])],
    [
      'an enrolment without a name',
      'ERR_RECORD_MALFORMED',
      record([
        [1, 1],
        [2, key],
      ]),
    ],
    ['an enrolment with more', 'ERR_RECORD_MALFORMED', record([...enroll, [4, 'x']])],
    [
      'an enrolment under bytes',
      'ERR_RECORD_MALFORMED',
      record([
        [1, 1],
        [2, key],
        [3, thumbprint],
      ]),
    ],
    [
      'an enrolment without a key',
      'ERR_KEY_UNSUPPORTED',
      record([
        [1, 1],
        [3, 'a'],
      ]),
    ],
    [
      'an Ed25519 key',
      'ERR_KEY_UNSUPPORTED',
      record([
        [1, 1],
        [2, coseKeyOfEd25519(logPublicKey)],
        [3, 'a'],
      ]),
    ],
    [
      'a key off the curve',
      'ERR_KEY_INVALID',
      record([
        [1, 1],
        [2, offCurve],
        [3, 'a'],
      ]),
    ],
    [
      'a revocation with a key',
      'ERR_RECORD_MALFORMED',
      record([
        [1, 2],
        [2, key],
      ]),
    ],
    [
      'a revocation with a reason that is a number',
      'ERR_RECORD_MALFORMED',
      record([
        [1, 2],
        [4, 1],
      ]),
    ],
    [
      'a revocation with more than a reason',
      'ERR_RECORD_MALFORMED',
      record([
        [1, 2],
        [3, 'a'],
        [4, 'b'],
      ]),
    ],
  ]
  for (const [name, code, event] of refused) {
    test(`is refused with ${name} (${code})`, () => throwsCode(() => parseKeyEvent(event, nobleCrypto), code))
  }
})
