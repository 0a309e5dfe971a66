import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChainRecord, type Damage, damageCauses, damageRecord, parseDamage } from '../../../protocol/index.ts'
import { throwsCode } from '../../helpers/codes.ts'

const ofBlock: Damage = { firstIndex: 7, lastIndex: 9, cause: 'record-mismatch' }
const ofTile: Damage = {
  firstIndex: 3 * 256 ** 2,
  lastIndex: 4 * 256 ** 2 - 1,
  cause: 'tile-mismatch',
  tile: { level: 1, index: 3, isRepaired: false },
}

test('damage of every cause is read as it was written', () => {
  for (const cause of damageCauses) {
    const damage = cause === 'tile-mismatch' ? ofTile : { ...ofBlock, cause }
    assert.deepEqual(parseDamage(damageRecord(damage, 5)), damage)
  }
})

test('a damage record with anything else in it is refused', () => {
  const { detail = new Map() } = damageRecord(ofBlock, 5)
  const { detail: tileDetail = new Map() } = damageRecord(ofTile, 5)
  const details: Record<string, ReadonlyMap<number, unknown>> = {
    'no detail': new Map(),
    'a last index before the first one': new Map([...detail, [2, 6]]),
    'a negative index': new Map([...detail, [1, -1]]),
    'a cause that nobody knows': new Map([...detail, [3, 'bit-rot']]),
    'a tile beside damage of a block': new Map([...detail, [4, [1, 3, false]]]),
    'an unknown field': new Map([...detail, [5, 0]]),
    'damage of a tile without the tile': new Map([...detail, [3, 'tile-mismatch']]),
    'a tile with other leaves': new Map([...tileDetail, [4, [0, 3, false]]]),
    'a tile of a level that no tree has': new Map([...tileDetail, [4, [6, 0, false]]]),
    'a tile without its fate': new Map([...tileDetail, [4, [1, 3]]]),
    'a tile whose fate is a number': new Map([...tileDetail, [4, [1, 3, 1]]]),
  }
  for (const [name, fields] of Object.entries(details)) {
    const record = { kind: 'damage', timeMs: 5, detail: fields } as ChainRecord
    throwsCode(() => parseDamage(record), 'ERR_RECORD_MALFORMED', name)
  }
  throwsCode(() => parseDamage({ ...damageRecord(ofBlock, 5), topic: 'a' }), 'ERR_RECORD_MALFORMED')
  throwsCode(() => parseDamage({ ...damageRecord(ofBlock, 5), kind: 'config' }), 'ERR_RECORD_MALFORMED')
})
