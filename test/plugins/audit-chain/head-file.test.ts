import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AuditChain } from '../../../plugins/audit-chain/audit-chain.ts'
import { HeadFile } from '../../../plugins/audit-chain/head-file.ts'
import { bytesEqual, decodeBlock } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const [older, newer] = [Buffer.from('older header'), Buffer.from('newer header')]

function headIn(directory: string) {
  const errors: unknown[] = []
  return { head: new HeadFile(directory, (error) => errors.push(error)), errors }
}

test('there is no head before the first one is written', async (t) => {
  const { head } = headIn(temporaryDirectory(t))
  assert.equal(head.read(), undefined)
  await head.flush()
  assert.equal(head.read(), undefined, 'nothing to write, nothing written')
})

test('a flush writes the newest header that it was told of, and leaves nothing else behind', async (t) => {
  const directory = temporaryDirectory(t)
  const { head } = headIn(directory)
  head.update(older)
  head.update(newer)
  await head.flush()
  assert.deepEqual(head.read(), newer)
  assert.deepEqual(readdirSync(directory), ['head'])
})

test('headers are written without a flush too, some time later', async (t) => {
  const { head } = headIn(temporaryDirectory(t))
  head.update(older)
  assert.equal(head.read(), undefined, 'not for every block')
  head.update(newer)
  while (head.read() === undefined) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(head.read(), newer)
})

test('a head that cannot be written is reported, and written with the next one', async (t) => {
  const directory = join(temporaryDirectory(t), 'gone')
  const { head, errors } = headIn(directory)
  head.update(older)
  while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal((errors[0] as NodeJS.ErrnoException).code, 'ENOENT')
  mkdirSync(directory)
  head.update(newer)
  await head.flush()
  assert.deepEqual(head.read(), newer)
})

test('what a crash left of a half-written head does not matter', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'head.new'), 'half a hea')
  const { head } = headIn(directory)
  assert.equal(head.read(), undefined)
  head.update(newer)
  await head.flush()
  assert.deepEqual(head.read(), newer)
})

test('a stopped chain leaves the header of its newest block', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location })
  await chain.enroll(numberedKey(61), 'device')
  const newest = await chain.store.blockAt(Number.MAX_SAFE_INTEGER)
  const { signed, header } = decodeBlock(newest?.encoded ?? assert.fail('no block'))
  assert.equal(header.height, 1)
  await chain.close()
  assert.ok(bytesEqual(readFileSync(join(location, 'head')), signed))
})

test('a chain whose head cannot be written closes its store all the same', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location })
  // A directory in its place: even root cannot rename a file over it.
  mkdirSync(join(location, 'head'))
  await assert.rejects(chain.close())
  assert.equal(chain.database.status, 'closed')
})
