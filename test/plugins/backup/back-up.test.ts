import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AuditChain, backUp, LevelAuditStore, openStoreDatabase, verifyStore } from '../../../plugins/index.ts'
import { parseSignedHeader } from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { publishDecision, submission } from '../../helpers/sequencing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test('a copy that is made while records come has all before it, and is one state of the chain', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location })
  atEnd(t, () => chain.close())
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) chain.submit(submission(`${i}`, publishDecision('x'.repeat(2000))))
    await chain.drained()
  }
  for (let i = 0; i < 10; i++) await publish(100)
  const before = chain.nextIndex
  let isCopied = false
  const publishing = (async () => {
    let batches = 0
    for (; !isCopied; batches++) await publish(5)
    return batches
  })()
  const target = join(temporaryDirectory(t), 'copy')
  const progress: number[] = []
  const { records } = await backUp(chain.database, location, target, { onProgress: (at) => progress.push(at) })
  isCopied = true
  assert.ok((await publishing) > 0 && chain.nextIndex > before, 'commits went on')
  assert.ok(records >= before && records <= chain.nextIndex)
  assert.ok(progress.length > 1, 'in parts')
  assert.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  )
  const head = readFileSync(join(target, 'head'))
  assert.equal(parseSignedHeader(head).header.treeSize, records)
  const database = await openStoreDatabase(target, false)
  const verified = await verifyStore({ store: new LevelAuditStore(database), head })
  await database.close()
  assert.deepEqual([verified.ok, verified.checked], [true, records])
  // With keys, snapshot and all else that a start looks at.
  const started = await AuditChain.open({ location: target })
  assert.equal(started.nextIndex, records)
  await started.close()
})

test('a copy has the keys with the permissions that they have, and nobody else can look into it', async (t) => {
  const location = temporaryDirectory(t)
  await (await AuditChain.open({ location })).close()
  const target = join(temporaryDirectory(t), 'copy')
  const database = await openStoreDatabase(location, false)
  await backUp(database, location, target)
  await database.close()
  const filesOf = (directory: string) =>
    readdirSync(join(directory, 'keys')).map((name) => {
      const path = join(directory, 'keys', name)
      return [name, statSync(path).mode & 0o777, readFileSync(path, 'utf8')]
    })
  assert.deepEqual(filesOf(target), filesOf(location))
  assert.equal(statSync(join(target, 'keys', 'broker.pem')).mode & 0o777, 0o600)
  assert.equal(statSync(target).mode & 0o777, 0o700)
  assert.deepEqual(readdirSync(target).sort(), ['head', 'keys', 'store'])
})

test('what is there already is never written over, and what a crash left behind is taken away', async (t) => {
  const [location, parent] = [temporaryDirectory(t), temporaryDirectory(t)]
  await (await AuditChain.open({ location })).close()
  const database = await openStoreDatabase(location, false)
  atEnd(t, () => database.close())
  mkdirSync(join(parent, 'taken'))
  await assert.rejects(backUp(database, location, join(parent, 'taken')), { code: 'ERR_BACKUP_EXISTS' })
  mkdirSync(join(parent, '.copy.incomplete', 'store'), { recursive: true })
  writeFileSync(join(parent, '.copy.incomplete', 'store', 'CURRENT'), 'half')
  await backUp(database, location, join(parent, 'copy'))
  assert.deepEqual(readdirSync(parent).sort(), ['copy', 'taken'])
})

test('a copy that nobody waits for any more leaves nothing behind', async (t) => {
  const [location, parent] = [temporaryDirectory(t), temporaryDirectory(t)]
  await (await AuditChain.open({ location })).close()
  const database = await openStoreDatabase(location, false)
  atEnd(t, () => database.close())
  const copying = backUp(database, location, join(parent, 'copy'), { signal: AbortSignal.abort() })
  await assert.rejects(copying, { code: 'ERR_BACKUP_FAILED' })
  assert.deepEqual(readdirSync(parent), [])
})

test('a copy for which there is no room is not begun, and one that takes the last room is given up', async (t) => {
  const [location, parent] = [temporaryDirectory(t), temporaryDirectory(t)]
  const chain = await AuditChain.open({ location })
  atEnd(t, () => chain.close())
  // More than is copied between two looks.
  for (let i = 0; i < 40; i++) chain.submit(submission(`${i}`, publishDecision('x'.repeat(500_000))))
  await chain.drained()
  let asked = 0
  const copy = (minFreeBytes: () => number) => {
    asked = 0
    return backUp(chain.database, location, join(parent, 'copy'), { minFreeBytes })
  }
  const never = Number.MAX_SAFE_INTEGER
  await assert.rejects(
    copy(() => never),
    { code: 'ERR_BACKUP_NO_ROOM' },
  )
  await assert.rejects(
    copy(() => (asked++ === 0 ? 0 : never)),
    { code: 'ERR_BACKUP_NO_ROOM' },
  )
  assert.ok(asked > 1, 'somebody else took the room while it was made')
  assert.deepEqual(readdirSync(parent), [])
  assert.equal((await copy(() => 0)).records, chain.nextIndex)
})
