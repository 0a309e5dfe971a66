import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditVerifyDb } from '../../../broker/commands/audit-verify-db.ts'
import { keysOfAll } from '../../../broker/commands/notary-keys.ts'
import { AuditChain, readKeyPassphrase } from '../../../plugins/index.ts'
import { runCommandHere } from '../../helpers/cli.ts'
import { writeProtected } from '../../helpers/key-files.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const auditVerify = { name: 'audit', help: '', run: auditVerifyDb }

test('a passphrase is set and both keys are rotated on the command line, and the chain verifies after it', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const passphraseFile = join(temporaryDirectory(t), 'passphrase')
  writeFileSync(passphraseFile, 'secret-4711\n')
  await (await AuditChain.open({ location })).close()
  const at = ['--data', location]
  const run = (...args: string[]) => runCommandHere(keysOfAll, args)
  const files = ['broker', 'log'].map((role) => join(location, 'keys', `${role}.pem`))
  const plain = files.map((file) => [file, readFileSync(file, 'utf8')] as const)
  assert.equal((await run('passwd', ...at, '--new-passphrase-file', passphraseFile)).code, 0)
  for (const file of files) assert.match(readFileSync(file, 'utf8'), /ENCRYPTED PRIVATE KEY/)
  // The same, but cheaper to open.
  for (const [file, pem] of plain) writeProtected(file, pem, 'secret-4711')
  const locked = await run('rotate-broker', ...at)
  assert.equal(locked.code, 2)
  assert.match(locked.stderr, /^notarymq keys: [^\n]+\n$/)
  const rotated = await run('rotate-broker', ...at, '--passphrase-file', passphraseFile, '--json')
  assert.deepEqual([rotated.code, rotated.stderr], [0, ''])
  const { role, index, kid, replaces } = JSON.parse(rotated.stdout) as Record<string, unknown>
  assert.deepEqual([role, index], ['broker', 1])
  assert.notEqual(kid, replaces)
  assert.equal((await run('rotate-log', ...at, '--passphrase-file', passphraseFile)).code, 0)
  assert.match(readFileSync(join(location, 'keys', 'broker.pem'), 'utf8'), /ENCRYPTED PRIVATE KEY/)
  const verified = await runCommandHere(auditVerify, ['--db', location])
  assert.deepEqual([verified.code, verified.stderr], [0, ''])
  assert.equal((await run('passwd', ...at)).code, 2, 'neither a new passphrase nor --remove')
  assert.equal((await run('rotate-log')).code, 2, 'no directory')
})

test('the passphrase is the one of the configured file, else the credential of the service, else there is none', (t) => {
  const [directory, credentials] = [temporaryDirectory(t), temporaryDirectory(t)]
  const file = join(directory, 'passphrase')
  writeFileSync(file, 'of the file\n')
  assert.equal(readKeyPassphrase(undefined, undefined), undefined)
  assert.equal(readKeyPassphrase(undefined, credentials), undefined)
  writeFileSync(join(credentials, 'notarymq-passphrase'), 'of the service')
  assert.equal(readKeyPassphrase(undefined, credentials), 'of the service')
  assert.equal(readKeyPassphrase(file, credentials), 'of the file')
  assert.throws(() => readKeyPassphrase(`${file}.no`, credentials), { code: 'ERR_KEY_PASSPHRASE' })
  writeFileSync(file, 'two\nlines\n')
  assert.throws(() => readKeyPassphrase(file, credentials), { code: 'ERR_KEY_PASSPHRASE' })
})
