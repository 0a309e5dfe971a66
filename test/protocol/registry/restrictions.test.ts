import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyEntry, type KeyRestrictions, matchesPattern } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { key11, publicOf } from '../../helpers/keys.ts'

const keyWith = (restrictions: KeyRestrictions) =>
  new KeyEntry({ key: publicOf(key11), thumbprint: key11.thumbprint, name: 'k', enrolledAt: 1, restrictions })

test('a pattern matches as the regular expression does in which only * is special', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '/'), maxLength: 12 })
  const property = fc.property(text, text, (subject, pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.*/]/g, '\\$&'))
    assert.equal(matchesPattern(subject, pattern), new RegExp(`^${parts.join('.*')}$`, 's').test(subject))
  })
  fc.assert(property, { seed: fcSeed, numRuns: 3000 })
})

test('a pattern of many stars is decided at once', () => {
  assert.equal(matchesPattern('a'.repeat(50_000), `${'*a'.repeat(500)}*b`), false)
})

test('a key without restrictions may sign for everything, used by anybody', () => {
  const key = keyWith({})
  assert.deepEqual(
    [key.maySignTopic('a'), key.mayBeUsedBy('x', undefined), key.isGateway, key.hasClock],
    [true, true, false, true],
  )
  assert.equal(key.window.size, 1024)
})

test('topics are filters, asked again they say the same', () => {
  const key = keyWith({ topics: ['plant/+/temp', 'door/#'] })
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(
      ['plant/1/temp', 'door', 'plant/1', '$SYS/x'].map((topic) => key.maySignTopic(topic)),
      [true, true, false, false],
    )
  }
  for (let i = 0; i < 1000; i++) assert.equal(key.maySignTopic(`door/${i}`), true)
  assert.equal(key.maySignTopic('plant/1'), false)
})

test('clients and users restrict together, and a username that is not proven is none', () => {
  const key = keyWith({ clients: ['press-*'], users: ['ann', 'b*'] })
  assert.equal(key.mayBeUsedBy('press-7', 'ann'), true)
  assert.equal(key.mayBeUsedBy('press-7', 'bob'), true)
  assert.equal(key.mayBeUsedBy('press-7', undefined), false)
  assert.equal(key.mayBeUsedBy('door-1', 'ann'), false)
})

test('other restrictions take effect at once, on the window too', () => {
  const key = keyWith({ topics: ['a'], gateway: true, clock: 'none' })
  assert.deepEqual([key.isGateway, key.hasClock], [true, false])
  key.restrict({ window: 4096 })
  assert.deepEqual([key.maySignTopic('b'), key.isGateway, key.hasClock, key.window.size], [true, false, true, 4096])
})

test('a key is valid up to its last index, and not at all after a revocation', () => {
  const key = keyWith({})
  assert.equal(key.invalidityAt(10), undefined)
  key.lastIndex = 10
  assert.deepEqual([key.invalidityAt(10), key.invalidityAt(11)], [undefined, 'key-retired'])
  key.revokedAt = 5
  assert.equal(key.invalidityAt(6), 'key-revoked')
})
