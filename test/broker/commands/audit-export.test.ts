import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditExport } from '../../../broker/commands/audit-export.ts'
import { auditVerifyExport } from '../../../broker/commands/audit-verify-export.ts'
import { type PluginError, rotateKey } from '../../../plugins/index.ts'
import { runCommandHere } from '../../helpers/cli.ts'
import { ExportedChain } from '../../helpers/exported-chain.ts'
import { logKey } from '../../helpers/notes.ts'
import { runCli } from '../../helpers/processes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const command = (run: typeof auditExport) => ({ name: 'audit', help: '', run })
const exportHere = (...args: readonly string[]) => runCommandHere(command(auditExport), args)
const verifyHere = (...args: readonly string[]) => runCommandHere(command(auditVerifyExport), args)
const quiet = { out: () => {}, error: () => {} }

test('audit export brings a directory up to the checkpoint of a stopped broker; audit verify --export answers by its exit code', async (t) => {
  const exported = await ExportedChain.open(t)
  await exported.growTo(3)
  await exported.note()
  await exported.chain.close()
  const directory = join(temporaryDirectory(t), 'export')
  const { location } = exported
  const made = await runCli(t, ['audit', 'export', directory, '--db', location])
  assert.deepEqual(made, { code: 0, stdout: '3 records, 3 of them new\n', stderr: '' })
  const again = await exportHere(directory, '--db', join(location, 'store'), '--json')
  assert.deepEqual(JSON.parse(again.stdout), { from: 3, to: 3 })
  const vkey = join(location, 'keys', 'log.vkey')
  const verified = await runCli(t, ['audit', 'verify', '--export', directory, '--vkey', vkey, '--json'])
  assert.deepEqual([verified.code, verified.stderr], [0, ''])
  const { origin } = exported.chain.genesis
  assert.deepEqual(JSON.parse(verified.stdout), { ok: true, origin, treeSize: 3, checked: 3, signatures: 0 })
  const unpinned = await verifyHere('--export', directory)
  assert.equal(unpinned.code, 0)
  assert.match(unpinned.stderr, /no --vkey/)

  const path = join(directory, 'records', '000.p', '3')
  const records = readFileSync(path)
  records.writeUInt8(records.readUInt8(records.length - 1) ^ 1, records.length - 1)
  writeFileSync(path, records)
  const bad = await verifyHere('--export', directory, '--vkey', readFileSync(vkey, 'utf8').trim())
  assert.equal(bad.code, 1)
  assert.match(bad.stdout, /^BAD: records\/000\.p\/3, block \d, index 2: payload-mismatch/)

  const stranger = logKey(origin, 9).vkey
  const untrusted = await verifyHere('--export', directory, '--vkey', stranger, '--json')
  assert.equal(untrusted.code, 1)
  assert.equal(JSON.parse(untrusted.stdout).firstBad.cause, 'checkpoint-untrusted')
})

test('an export goes over key rotations: all public keys are in it, and the newest log key is enough', async (t) => {
  const exported = await ExportedChain.open(t)
  await exported.growTo(5)
  await exported.chain.close()
  const { location } = exported
  await rotateKey(location, 'broker', {}, () => {})
  await rotateKey(location, 'log', {}, () => {})
  const later = await ExportedChain.open(t, location)
  await later.growTo(9)
  await later.note()
  await later.chain.close()
  const directory = join(temporaryDirectory(t), 'export')
  assert.equal((await exportHere(directory, '--db', location)).code, 0)
  const vkey = join(location, 'keys', 'log.vkey')
  const verified = await verifyHere('--export', directory, '--vkey', vkey, '--json')
  assert.deepEqual(JSON.parse(verified.stdout).checked, 9)
  for (const name of ['broker.pub.pem.1', 'log.vkey.1', 'broker.pub.pem']) {
    const path = join(directory, 'keys', name)
    const text = readFileSync(path, 'utf8')
    rmSync(path)
    const { firstBad } = JSON.parse((await verifyHere('--export', directory, '--vkey', vkey, '--json')).stdout)
    assert.deepEqual(firstBad, { cause: 'key-file-mismatch', file: `keys/${name}` })
    writeFileSync(path, text)
  }
})

test('what cannot be exported or verified is told apart from what is wrong', async (t) => {
  const exported = await ExportedChain.open(t)
  await exported.growTo(3)
  await exported.chain.close()
  const directory = join(temporaryDirectory(t), 'export')
  const isCode = (code: string) => (error: unknown) => (error as PluginError).code === code
  const args = [directory, '--db', exported.location]
  await assert.rejects(auditExport(args, quiet), isCode('ERR_CHECKPOINT_MISSING'))
  await assert.rejects(auditExport([directory], quiet), isCode('ERR_USAGE'))
  await assert.rejects(auditExport([...args, 'another'], quiet), isCode('ERR_USAGE'))
  await assert.rejects(auditVerifyExport(['--export', directory], quiet), isCode('ERR_EXPORT_DIRECTORY'))
  const noKey = auditVerifyExport(['--export', directory, '--vkey', 'no key'], quiet)
  await assert.rejects(noKey, isCode('ERR_USAGE'))
})
