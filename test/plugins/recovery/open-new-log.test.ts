import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkpointTable } from '../../../plugins/checkpoints/stored-checkpoint.ts'
import {
  AnchorFile,
  type AuditChain,
  checkpointFile,
  examineChain,
  finishRecovery,
  LevelAuditStore,
  nativeCrypto,
  openNewLog,
  openStoreDatabase,
  verifyStore,
} from '../../../plugins/index.ts'
import { parseAnchor, signPublish, toHex } from '../../../protocol/index.ts'
import { contentOf, openAnchored, putBack, refusal } from '../../helpers/anchored-chain.ts'
import { appendPublishes } from '../../helpers/checkpointed-chain.ts'
import { signedPublish, startMs } from '../../helpers/golden-chain.ts'
import { numberedKey, publicOf, type TestKey } from '../../helpers/keys.ts'
import { copyOfData, readStoredChain } from '../../helpers/stored-chain.ts'
import { flip, tamper } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const [device, stolen, retired, later] = [61, 62, 63, 64].map(numberedKey) as [TestKey, TestKey, TestKey, TestKey]
const wanted = { custody: {}, requester: { auth: 'none', username: 'root' } } as const

/** Whether the registry takes a publish, or a will, of a key under a number. */
function takes(chain: AuditChain, key: TestKey, seq: number, outcome: 'signed' | 'will' = 'signed'): Promise<boolean> {
  const message = { topic: 'plant/1', payload: Uint8Array.of(1), seq, timeMs: startMs }
  const envelope = signPublish(key, key.thumbprint, message, nativeCrypto)
  return new Promise((resolve) => {
    let isTaken = false
    chain.submit({
      bytes: 1,
      decide: (index, timeMs) => {
        const entry = signedPublish(envelope, message.topic, key.thumbprint, timeMs, nativeCrypto, { outcome })
        isTaken = chain.registry.enter(entry.record, index)
        return isTaken ? entry : undefined
      },
      settle: () => resolve(isTaken),
    })
  })
}

async function verifies(location: string): Promise<boolean> {
  const database = await openStoreDatabase(location, false)
  const { ok } = await verifyStore({ store: new LevelAuditStore(database) })
  await database.close()
  return ok
}

interface Scene {
  readonly location: string
  readonly file: AnchorFile
}

/** A log that was put back to a copy: the device used 10 in the copy, 20 in what is missing. */
async function rolledBack(t: TestContext): Promise<Scene> {
  const location = join(temporaryDirectory(t), 'data')
  const file = new AnchorFile(temporaryDirectory(t))
  const first = await openAnchored(location, [file])
  await first.chain.enroll(publicOf(device), { name: 'device', restrictions: { topics: ['plant/#'], window: 64 } })
  await first.chain.enroll(publicOf(stolen), 'stolen')
  await first.chain.revoke(stolen.thumbprint)
  await first.chain.enroll(publicOf(retired), 'retired')
  await first.chain.retire(retired.thumbprint, 1000)
  assert.ok(await takes(first.chain, device, 10))
  await first.close()
  const earlier = copyOfData(t, location)
  const second = await openAnchored(location, [file])
  assert.ok(await takes(second.chain, device, 20))
  await second.chain.enroll(publicOf(later), 'later')
  assert.ok(await takes(second.chain, later, 5))
  await second.close()
  putBack(earlier, location)
  return { location, file }
}

test('what a start refuses is explained: how many records are missing, and where that is known from', async (t) => {
  const { location, file } = await rolledBack(t)
  // The store itself knows what was anchored, also without being told.
  for (const paths of [undefined, [file.place]]) {
    const { verdict, records, standings, problems } = await examineChain(location, paths)
    assert.deepEqual([verdict, records], ['rolled-back', 7])
    assert.deepEqual(
      standings.map(({ place, standing, keptSize }) => [place, standing, keptSize]),
      [
        ['the store itself', 'identical', 7],
        [file.place, 'rolled-back', 10],
      ],
    )
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['ERR_CHAIN_ROLLED_BACK'],
    )
  }
  assert.equal((await examineChain(location, [])).verdict, 'identical')
})

test('damage is told apart, and so is a store that is gone', async (t) => {
  const { location, file } = await rolledBack(t)
  const damaged = copyOfData(t, location)
  await tamper(damaged, async (blocks) => {
    await blocks.forgetSnapshot()
    await blocks.alter(2, ({ entries }) => flip(entries[0]?.record, -1))
  })
  assert.equal((await examineChain(damaged)).verdict, 'damaged')
  rmSync(join(location, 'store'), { recursive: true })
  const gone = await examineChain(location, [file.place])
  assert.deepEqual([gone.verdict, gone.records, gone.standings[0]?.standing], ['rolled-back', 0, 'rolled-back'])
})

test('a new log names the last checkpoint of the old one and takes nothing that its keys had signed there', async (t) => {
  const { location, file } = await rolledBack(t)
  const { origin } = await examineChain(location)
  const { continues, oldDirectory, keys, ...log } = await openNewLog(location, wanted)
  assert.deepEqual([continues, keys, log.origin], [{ origin, treeSize: 10 }, 3, `${origin}/log-2`])
  assert.ok(await verifies(oldDirectory))
  const { chain, close } = await openAnchored(location, [file])
  assert.equal(chain.genesis.origin, `${origin}/log-2`)
  assert.equal(await takes(chain, device, 10), false)
  assert.equal(await takes(chain, device, 20), false)
  assert.equal(await takes(chain, device, 20, 'will'), false)
  assert.equal(await takes(chain, device, 21), true)
  // What the lost records knew alone: the key has to be enrolled again, its numbers are known all the same.
  assert.equal(chain.registry.resolve(later.thumbprint), undefined)
  await chain.enroll(publicOf(later), 'later')
  assert.equal(await takes(chain, later, 5), false)
  assert.equal(await takes(chain, later, 6), true)
  await close()
  assert.ok(await verifies(location))
})

test('after a restart, with a snapshot or without one, the same numbers are too old', async (t) => {
  const { location, file } = await rolledBack(t)
  await openNewLog(location, wanted)
  await (await openAnchored(location, [file])).close()
  const walked = copyOfData(t, location)
  await tamper(walked, (blocks) => blocks.forgetSnapshot())
  for (const directory of [location, walked]) {
    const { chain, close } = await openAnchored(directory, [])
    assert.equal(await takes(chain, device, 20), false)
    assert.equal(await takes(chain, device, 20, 'will'), false)
    await chain.enroll(publicOf(later), 'later')
    assert.equal(await takes(chain, later, 5), false)
    assert.ok(chain.registry.highestSeqs().some(([kid, seq]) => toHex(kid) === toHex(device.thumbprint) && seq === 20))
    await close()
  }
})

test('keys keep names, restrictions and their end', async (t) => {
  const { location } = await rolledBack(t)
  await openNewLog(location, wanted)
  const { chain, close } = await openAnchored(location, [])
  const found = chain.registry.list().map(({ name, restrictions, revokedAt, lastIndex, enrolledAt }) => {
    const left = lastIndex === undefined ? undefined : lastIndex - enrolledAt > 900
    return [name, restrictions, revokedAt !== undefined, left]
  })
  assert.deepEqual(found, [
    ['device', { topics: ['plant/#'], window: 64 }, false, undefined],
    ['stolen', {}, true, undefined],
    ['retired', {}, false, true],
  ])
  await close()
})

test('a log can be recovered again, and the second one knows what the first one did not see', async (t) => {
  const { location, file } = await rolledBack(t)
  await openNewLog(location, wanted)
  const first = await openAnchored(location, [file])
  assert.equal(await takes(first.chain, device, 30), true)
  await first.close()
  const copy = copyOfData(t, location)
  const second = await openAnchored(location, [file])
  assert.equal(await takes(second.chain, device, 40), true)
  await second.close()
  putBack(copy, location)
  const { origin, oldDirectory } = await openNewLog(location, wanted)
  assert.match(origin, /\/log-3$/)
  assert.match(oldDirectory, /before-recovery\.2$/)
  const third = await openAnchored(location, [file])
  assert.equal(await takes(third.chain, device, 40), false)
  assert.equal(await takes(third.chain, device, 41), true)
  assert.equal(third.chain.registry.highestSeqs().length, 2, 'the key that is not enrolled any more, too')
  await third.close()
})

test('a store that is gone is continued from the anchor alone', async (t) => {
  const { location, file } = await rolledBack(t)
  rmSync(join(location, 'store'), { recursive: true })
  const { keys, keysWithNumbers } = await openNewLog(location, { ...wanted, anchorPaths: [file.place] })
  assert.deepEqual([keys, keysWithNumbers], [0, 2])
  const { chain, close } = await openAnchored(location, [file])
  await chain.enroll(publicOf(device), 'device')
  assert.equal(await takes(chain, device, 20), false)
  assert.equal(await takes(chain, device, 21), true)
  await close()
})

test('a damaged chain gives its keys up to the damage', async (t) => {
  const { location } = await rolledBack(t)
  await tamper(location, async (blocks) => {
    await blocks.forgetSnapshot()
    await blocks.alter(4, ({ entries }) => flip(entries[0]?.record, -1))
  })
  assert.equal(await openNewLog(location, wanted).then(({ keys }) => keys), 2)
})

test('a chain that would start is left as it is', async (t) => {
  const { location } = await rolledBack(t)
  assert.equal((await refusal(openNewLog(location, { ...wanted, anchorPaths: [] }))).code, 'ERR_RECOVERY_NOT_NEEDED')
  assert.ok(!existsSync(join(location, 'next-log')))
})

test('a checkpoint that somebody else kept says what is missing, and is what the new log continues', async (t) => {
  const { location, file } = await rolledBack(t)
  const { note } = contentOf(file)
  const path = join(temporaryDirectory(t), 'checkpoint')
  const others = [checkpointFile(path)]
  const unread = await examineChain(location, [], others)
  assert.deepEqual([unread.verdict, unread.problems[0]?.code], ['anchor-refused', 'ERR_ANCHOR_UNREADABLE'])
  writeFileSync(path, note)
  const { verdict, problems } = await examineChain(location, [], others)
  assert.deepEqual([verdict, problems[0]?.details.place], ['rolled-back', path])
  const { continues } = await openNewLog(location, { ...wanted, anchorPaths: [], others })
  assert.equal(continues.treeSize, problems[0]?.details.keptSize)
  // Whoever kept it lets the new log start.
  await (await openAnchored(location, [], others)).close()
})

test('of a log that never published anything there is nothing to continue', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const { chain } = await openAnchored(location, [])
  await appendPublishes(chain, 1)
  await chain.close()
  const copy = copyOfData(t, location)
  writeFileSync(join(location, 'head'), 'no header')
  assert.equal((await refusal(openNewLog(location, wanted))).code, 'ERR_RECOVERY_NO_CHECKPOINT')
  putBack(copy, location)
  await (await openAnchored(location, [])).close()
})

test('a crash at any step of the move: the broker does not start, and the same command brings it to its end', async (t) => {
  const { location } = await rolledBack(t)
  const old = copyOfData(t, location)
  await openNewLog(location, wanted)
  const complete = copyOfData(t, location)
  // Each step takes one of the old parts away or puts one of the new in its place.
  const steps = ['store', 'keys', 'head'].flatMap((part) => [`${part} away`, `${part} in place`])
  for (const [done, step] of ['nothing moved', ...steps].entries()) {
    const crashed = copyOfData(t, old)
    const next = join(crashed, 'next-log')
    for (const part of ['store', 'keys', 'head']) cpSync(join(complete, part), join(next, part), { recursive: true })
    writeFileSync(join(next, 'ready'), 'before-recovery.1')
    cpSync(join(complete, 'before-recovery.1', 'next-log'), join(crashed, 'before-recovery.1'), { recursive: true })
    for (const one of steps.slice(0, done)) {
      const [part = '', away] = one.split(' ')
      if (away === 'away') renameSync(join(crashed, part), join(crashed, 'before-recovery.1', part))
      else renameSync(join(next, part), join(crashed, part))
    }
    assert.equal((await refusal(openAnchored(crashed, []))).code, 'ERR_RECOVERY_UNFINISHED', step)
    assert.equal((await refusal(examineChain(crashed))).code, 'ERR_RECOVERY_UNFINISHED', step)
    assert.equal(await finishRecovery(crashed), join(crashed, 'before-recovery.1'))
    assert.equal(await finishRecovery(crashed), undefined)
    const { chain, close } = await openAnchored(crashed, [])
    assert.match(chain.genesis.origin, /\/log-2$/)
    await close()
    assert.ok(await verifies(join(crashed, 'before-recovery.1')))
  }
})

test('the recovery is in the chain, with who asked for it, before every key', async (t) => {
  const { location } = await rolledBack(t)
  await openNewLog(location, wanted)
  const [genesis, recovery, ...rest] = await readStoredChain(location)
  assert.equal(genesis?.record.detail?.size, 6)
  assert.deepEqual([recovery?.record.kind, recovery?.record.username], ['recovery', 'root'])
  assert.ok(rest.every(({ record }) => record.kind === 'key'))
})

/** A log opened by a recovery that cannot go on itself, with an anchor that it never wrote and one that it did. */
async function recoveredOnce(t: TestContext): Promise<Scene & { readonly other: AnchorFile }> {
  const { location, file } = await rolledBack(t)
  await openNewLog(location, wanted)
  const other = new AnchorFile(temporaryDirectory(t))
  const second = await openAnchored(location, [other])
  assert.equal(await takes(second.chain, device, 30), true)
  await second.close()
  writeFileSync(join(location, 'head'), 'no header')
  return { location, file, other }
}

test('an anchor that the second log never wrote is no obstacle to a third, which gives it its own checkpoint', async (t) => {
  const { location, file, other } = await recoveredOnce(t)
  const held = contentOf(file).note
  const anchorPaths = [file.place, other.place]
  const { origin, continues, oldDirectory } = await openNewLog(location, { ...wanted, anchorPaths })
  assert.match(origin, /\/log-3$/)
  assert.match(continues.origin, /\/log-2$/)
  assert.equal(parseAnchor(readFileSync(join(oldDirectory, 'anchor.1'))).note, held)
  assert.ok(contentOf(file).note.startsWith(`${origin}\n`))
  assert.ok(contentOf(other).note.startsWith(`${continues.origin}\n`), 'this one may stay as it is')
  const third = await openAnchored(location, [file, other])
  assert.equal(await takes(third.chain, device, 30), false)
  assert.equal(await takes(third.chain, device, 31), true)
  await third.close()
  assert.ok(await verifies(location))
})

test('a crash before such an anchor is overwritten: the broker does not start, and the same command does what is left', async (t) => {
  const { location, file, other } = await recoveredOnce(t)
  const held = contentOf(file).note
  // Where its next content would be written first.
  mkdirSync(`${file.path}.new`)
  const opening = openNewLog(location, { ...wanted, anchorPaths: [file.place, other.place] })
  assert.equal((await refusal(opening)).code, 'ERR_ANCHOR_WRITE_FAILED')
  assert.equal(contentOf(file).note, held)
  assert.equal((await refusal(finishRecovery(location))).code, 'ERR_ANCHOR_WRITE_FAILED')
  rmdirSync(`${file.path}.new`)
  for (const isCopied of [true, false]) {
    const crashed = copyOfData(t, location)
    const [next, old] = [join(crashed, 'next-log'), join(crashed, 'before-recovery.2')]
    await file.write(readFileSync(join(old, 'anchor.1')))
    if (!isCopied) renameSync(join(old, 'anchor.1'), join(next, 'anchor.1'))
    assert.equal((await refusal(openAnchored(crashed, [file, other]))).code, 'ERR_RECOVERY_UNFINISHED')
    assert.equal(await finishRecovery(crashed), old)
    assert.equal(parseAnchor(readFileSync(join(old, 'anchor.1'))).note, held)
    const { chain, close } = await openAnchored(crashed, [file])
    assert.ok(contentOf(file).note.startsWith(`${chain.genesis.origin}\n`))
    assert.equal(await takes(chain, device, 30), false)
    await close()
  }
})

test('an anchor that knows more of the first log than the second one says is taken over, numbers and all', async (t) => {
  const { location, file } = await rolledBack(t)
  // Without the anchor: 7 of 10 records, the device at 10 of 20.
  writeFileSync(join(location, 'head'), 'no header')
  await openNewLog(location, { ...wanted, anchorPaths: [] })
  assert.equal((await refusal(openAnchored(location, [file]))).code, 'ERR_ANCHOR_OTHER_LOG')
  await openNewLog(location, { ...wanted, anchorPaths: [file.place] })
  const { chain, close } = await openAnchored(location, [file])
  assert.equal(await takes(chain, device, 20), false)
  assert.equal(await takes(chain, device, 21), true)
  await close()
})

test('what takes the place of a log of which nobody has a checkpoint continues the log before it', async (t) => {
  const { location, file } = await rolledBack(t)
  const { origin: first } = await examineChain(location, [])
  await openNewLog(location, wanted)
  const database = await openStoreDatabase(location, false)
  await checkpointTable(database).clear()
  await database.close()
  writeFileSync(join(location, 'head'), 'no header')
  const { origin, continues } = await openNewLog(location, { ...wanted, anchorPaths: [file.place] })
  assert.deepEqual([origin, continues], [`${first}/log-3`, { origin: first, treeSize: 10 }])
  await (await openAnchored(location, [file])).close()
})
