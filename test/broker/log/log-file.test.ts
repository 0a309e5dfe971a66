import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LogFile } from '../../../broker/log/log-file.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function openFile(t: TestContext, path: string) {
  const complaints: string[] = []
  const file = new LogFile(path, (message) => complaints.push(message))
  atEnd(t, () => file.close())
  return { file, complaints }
}

/** Writing goes on beside the test. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('a new file is readable by its owner only, and an old one is appended to', async (t) => {
  const path = join(temporaryDirectory(t), 'broker.log')
  const first = openFile(t, path)
  first.file.write('notice', '1: ', 'one')
  await first.file.close()
  const second = openFile(t, path)
  second.file.write('notice', '2: ', 'two')
  await second.file.close()
  assert.equal(readFileSync(path, 'utf8'), '1: one\n2: two\n')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual([...first.complaints, ...second.complaints], [])
})

test('after a rotation moved the file away, reopening begins a new one and loses no line', async (t) => {
  const path = join(temporaryDirectory(t), 'broker.log')
  const { file } = openFile(t, path)
  file.write('notice', '', 'before')
  await until(() => readFileSync(path, 'utf8') === 'before\n')
  renameSync(path, `${path}.1`)
  file.write('notice', '', 'still the old one')
  await until(() => readFileSync(`${path}.1`, 'utf8').includes('old one'))
  file.reopen()
  await until(() => existsSync(path))
  file.write('notice', '', 'after')
  await file.close()
  assert.equal(readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8'), 'before\nstill the old one\nafter\n')
})

test('a file that cannot be opened is complained about, does not throw, and is tried again by reopening', async (t) => {
  const path = join(temporaryDirectory(t), 'missing', 'broker.log')
  const { file, complaints } = openFile(t, path)
  assert.equal(complaints.length, 1)
  assert.ok(complaints[0]?.startsWith(`Error: Unable to open log file ${path} for writing.`))
  file.write('notice', '', 'lost')
  mkdirSync(dirname(path))
  file.reopen()
  file.write('notice', '', 'written')
  await file.close()
  assert.equal(readFileSync(path, 'utf8'), 'written\n')
})

test('reopening what cannot be opened any more keeps the file that is open', async (t) => {
  const directory = join(temporaryDirectory(t), 'log')
  mkdirSync(directory)
  const path = join(directory, 'broker.log')
  const { file, complaints } = openFile(t, path)
  file.write('notice', '', 'one')
  await until(() => readFileSync(path, 'utf8') === 'one\n')
  renameSync(directory, `${directory}.moved`)
  writeFileSync(directory, 'not a directory')
  file.reopen()
  file.write('notice', '', 'two')
  await file.close()
  assert.equal(complaints.length, 1)
  assert.equal(readFileSync(join(`${directory}.moved`, 'broker.log'), 'utf8'), 'one\ntwo\n')
})

test('a full disk is complained about once, and writing and closing go on', async (t) => {
  if (!existsSync('/dev/full')) return t.skip('/dev/full is not there')
  const { file, complaints } = openFile(t, '/dev/full')
  for (let line = 0; line < 10; line += 1) {
    file.write('notice', '', `line ${line}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => complaints.length > 0)
  await file.close()
  assert.equal(complaints.length, 1)
  assert.match(complaints[0] ?? '', /ENOSPC/)
})
