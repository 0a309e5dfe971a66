import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AnchorFile } from '../../../plugins/index.ts'
import { refusal } from '../../helpers/anchored-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test('an anchor lies in a file, or in a directory as the file "anchor"', async (t) => {
  const directory = temporaryDirectory(t)
  assert.equal(new AnchorFile(join(directory, 'mine')).path, join(directory, 'mine'))
  assert.equal(new AnchorFile(directory).path, join(directory, 'anchor'))
  // One that is not mounted is a directory all the same.
  assert.equal(new AnchorFile(`${directory}/gone/`).path, join(directory, 'gone', 'anchor'))
  assert.equal(new AnchorFile(`${directory}/gone/`).place, join(directory, 'gone'))
  await new AnchorFile(directory).write(Buffer.from('content'))
  assert.deepEqual(readdirSync(directory), ['anchor'], 'nothing else is left behind')
})

test('a file that is not there yet holds nothing', async (t) => {
  assert.equal(await new AnchorFile(join(temporaryDirectory(t), 'anchor')).read([]), undefined)
})

test('a directory that is not there is told apart from a file that is not there', async (t) => {
  const file = new AnchorFile(join(temporaryDirectory(t), 'gone', 'anchor'))
  assert.equal((await refusal(file.read([]))).code, 'ERR_ANCHOR_UNREADABLE')
  assert.equal((await refusal(file.write(Buffer.from('content')))).code, 'ERR_ANCHOR_WRITE_FAILED')
})

test('what is no file, or larger than any anchor, is not read', async (t) => {
  const path = join(temporaryDirectory(t), 'anchor')
  const file = new AnchorFile(path)
  mkdirSync(path)
  assert.equal((await refusal(file.read([]))).code, 'ERR_ANCHOR_UNREADABLE')
  rmSync(path, { recursive: true })
  writeFileSync(path, '')
  truncateSync(path, 65 * 1024 * 1024)
  assert.equal((await refusal(file.read([]))).code, 'ERR_ANCHOR_UNREADABLE')
})

test('bytes that are no anchor are refused as such', async (t) => {
  const path = join(temporaryDirectory(t), 'anchor')
  for (const content of ['', 'an anchor?', Buffer.from('d28443a10128a04180', 'hex')]) {
    writeFileSync(path, content)
    assert.equal((await refusal(new AnchorFile(path).read([]))).code, 'ERR_ANCHOR_INVALID')
  }
})
