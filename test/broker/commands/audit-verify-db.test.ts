import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditVerifyDb } from '../../../broker/commands/audit-verify-db.ts'
import { openStoreDatabase } from '../../../plugins/index.ts'
import { runCommandHere } from '../../helpers/cli.ts'
import { ExportedChain } from '../../helpers/exported-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const verifyHere = (...args: readonly string[]) => runCommandHere({ name: 'audit', help: '', run: auditVerifyDb }, args)

test('audit verify --db holds the chain against the checkpoint in its store, and against those that are given', async (t) => {
  const exported = await ExportedChain.open(t)
  await exported.growTo(3)
  const note = await exported.note()
  await exported.growTo(5)
  await exported.chain.close()
  const directory = temporaryDirectory(t)
  const file = join(directory, 'kept')
  const verify = async (content: string) => {
    writeFileSync(file, content)
    const { code, stdout } = await verifyHere('--db', exported.location, '--checkpoint', file, '--json')
    const { firstBad } = JSON.parse(stdout)
    return [code, firstBad?.cause, firstBad?.place]
  }
  assert.deepEqual(await verify(note), [0, undefined, undefined])
  const { origin } = exported.chain.genesis
  assert.deepEqual(await verify(note.replace(origin, 'example.com/another')), [1, 'checkpoint-invalid', file])
  const store = await openStoreDatabase(exported.location, false)
  const table = store.sublevel<string, string>('checkpoint', { valueEncoding: 'utf8' })
  const stored = (await table.get('newest')) ?? assert.fail('none stored')
  await table.put('newest', stored.replace(/\n\d+\n/, '\n4\n'))
  await store.close()
  assert.deepEqual(await verify(note), [1, 'checkpoint-invalid', 'the store'])
  const missing = await verifyHere('--db', exported.location, '--checkpoint', join(directory, 'none'))
  assert.equal(missing.code, 2)
})
