import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SignedTree } from '../../../clients/watch/growth-check.ts'
import { ProofsCheck } from '../../../clients/watch/proofs-check.ts'
import { WatchAlarm } from '../../../clients/watch/watch-alarm.ts'
import { fromBase64url, nobleCrypto, verifyConsistency } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { forkedLog, growingLog, type TestLog } from '../../helpers/test-log.ts'

const largest = 70
const log = growingLog('example.com/log', largest)

const treeOf = (of: TestLog, size: number): SignedTree => ({
  note: of.checkpoint(size),
  size,
  rootHash: of.rootHash(size),
})

/** A check of a log that gives honest paths, or what becomes of them. */
function checkOf(of: TestLog, change = (path: Uint8Array[]) => path): ProofsCheck {
  const consistencyPath = async (from: number, to: number) => change(of.tree.consistency(from, to))
  return new ProofsCheck({ consistencyPath }, nobleCrypto)
}

async function alarm(promise: Promise<unknown>): Promise<WatchAlarm> {
  const found = await promise.then(
    () => assert.fail('there was no alarm'),
    (cause: unknown) => cause,
  )
  assert.ok(found instanceof WatchAlarm)
  return found
}

const sizes = fc
  .tuple(fc.integer({ min: 1, max: largest - 1 }), fc.integer({ min: 1, max: largest }))
  .filter(([from, to]) => from < to)

test('the first tree is taken as it is, every tree extends the empty one, and a proof is asked for neither', async () => {
  const never = new ProofsCheck({ consistencyPath: () => assert.fail('it was asked') }, nobleCrypto)
  const newer = treeOf(log, 5)
  assert.deepEqual(await never.follow(undefined, newer), newer)
  assert.deepEqual(await never.follow(treeOf(log, 0), newer), newer)
})

test('a tree that is proved to extend the one before is kept, without leaves', async () => {
  const property = fc.asyncProperty(sizes, async ([from, to]) => {
    const newer = treeOf(log, to)
    assert.deepEqual(await checkOf(log).follow(treeOf(log, from), newer), newer)
    assert.equal(await checkOf(log).findFork(treeOf(log, from), newer), undefined)
  })
  await fc.assert(property, { seed: fcSeed, numRuns: 200 })
})

test('a path with any bit flipped, any hash missing or one too many proves nothing', async () => {
  const changed = fc.asyncProperty(sizes, fc.nat(), fc.nat(255), async ([from, to], at, bit) => {
    const flips = (path: Uint8Array[]) =>
      path.map((hash, i) =>
        i === at % path.length ? hash.map((byte, j) => (j === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)) : hash,
      )
    const lacks = (path: Uint8Array[]) => path.filter((_, i) => i !== at % path.length)
    const repeats = (path: Uint8Array[]) => [...path, ...path.slice(-1)]
    for (const change of [flips, lacks, repeats, () => []]) {
      const { cause, kept, received } = await alarm(checkOf(log, change).follow(treeOf(log, from), treeOf(log, to)))
      assert.deepEqual([cause, kept, received], ['proof-invalid', log.checkpoint(from), log.checkpoint(to)])
    }
  })
  await fc.assert(changed, { seed: fcSeed, numRuns: 100 })
})

test('the honest path of a log that forked proves the fork to anybody, but where the older size is a power of two', async () => {
  const property = fc.asyncProperty(sizes, fc.nat(), async ([from, to], common) => {
    const other = forkedLog('example.com/log', largest, common % from)
    const [known, newer] = [treeOf(log, from), treeOf(other, to)]
    const { cause, proof } = await alarm(checkOf(other).follow(known, newer))
    assert.deepEqual(await checkOf(other).findFork(known, newer), proof)
    if (Number.isInteger(Math.log2(from))) return assert.deepEqual([cause, proof], ['proof-invalid', undefined])
    assert.equal(cause, 'fork')
    assert.ok(proof !== undefined)
    const path = proof.path.map(fromBase64url)
    const prefixRoot = fromBase64url(proof.prefixRoot)
    assert.notDeepEqual(prefixRoot, Uint8Array.from(known.rootHash))
    verifyConsistency({ size1: BigInt(from), size2: BigInt(to), path }, prefixRoot, newer.rootHash, nobleCrypto)
  })
  await fc.assert(property, { seed: fcSeed, numRuns: 200 })
})
