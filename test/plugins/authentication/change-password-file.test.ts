import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { changePasswordFile, type PasswordFileChange } from '../../../plugins/authentication/change-password-file.ts'
import { AuthenticationError, type AuthenticationErrorCode } from '../../../plugins/authentication/errors.ts'
import { PasswordAuthenticator } from '../../../plugins/authentication/password-authenticator.ts'
import { readPasswordFile } from '../../../plugins/authentication/password-file.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function isError(code: AuthenticationErrorCode) {
  return (error: unknown) => error instanceof AuthenticationError && error.code === code
}

const hash = { kind: 'sha512-pbkdf2', iterations: 2 } as const
const setTo = (username: string, password: string): PasswordFileChange => ({ kind: 'set', username, password, hash })
const fileIn = (t: TestContext, content: string | Uint8Array) => {
  const path = join(temporaryDirectory(t), 'passwd')
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

/** Whether the password logs the user in, from the file as it is. */
async function logsIn(t: TestContext, path: string, username: string, password: string): Promise<boolean> {
  const authenticator = new PasswordAuthenticator(readPasswordFile(path))
  atEnd(t, () => authenticator.close())
  return authenticator.verify(username, Buffer.from(password))
}

const hashed = /\$7\$2\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==/g
/** The file with its hashes blanked out. */
const shapeOf = (path: string) => readFileSync(path, 'latin1').replace(hashed, 'HASH')

test('setting a password takes the place of the old line; all other bytes stay as they were', async (t) => {
  const other = Buffer.from('\xff:not UTF-8\n', 'latin1')
  const path = fileIn(
    t,
    Buffer.concat([Buffer.from('# who\n\n a :old\r\nb:x:y\n  a:older\n'), other, Buffer.from('end')]),
  )
  assert.deepEqual(await changePasswordFile(path, setTo('a', 'new')), { changed: 1, notes: [] })
  assert.equal(shapeOf(path), '# who\n\na:HASH\nb:x:y\n\xff:not UTF-8\nend\n')
  assert.ok(await logsIn(t, path, 'a', 'new'))
  await changePasswordFile(path, setTo('c', 'see'))
  assert.equal(shapeOf(path), '# who\n\na:HASH\nb:x:y\n\xff:not UTF-8\nend\nc:HASH\n')
  assert.ok(await logsIn(t, path, 'c', 'see'))
  assert.ok(!(await logsIn(t, path, 'a', 'see')))
})

for (const kind of ['sha512', 'sha512-pbkdf2', 'argon2id'] as const) {
  test(`a password set with ${kind} logs in`, async (t) => {
    const path = fileIn(t, '')
    await changePasswordFile(path, { kind: 'set', username: 'ä b', password: 'pässword', hash: { kind } })
    assert.ok(await logsIn(t, path, 'ä b', 'pässword'))
  })
}

test('deleting a user removes every line of theirs; one who is not there changes nothing, not even the file', async (t) => {
  const path = fileIn(t, 'a:x\n#a:x\nb:y\na:z\n')
  assert.deepEqual(await changePasswordFile(path, { kind: 'delete', username: 'a' }), { changed: 1, notes: [] })
  assert.equal(shapeOf(path), '#a:x\nb:y\n')
  const { ino } = statSync(path)
  assert.deepEqual(await changePasswordFile(path, { kind: 'delete', username: 'a' }), { changed: 0, notes: [] })
  assert.equal(statSync(path).ino, ino)
})

test('converting hashes passwords in plain text, and leaves hashes of every kind and comments alone', async (t) => {
  const kept = ['# a:b', '$:', `h:$6$${'A'.repeat(16)}$${'A'.repeat(86)}==`, 'x:$2b$10$abc', 'no colon']
  const path = fileIn(t, [...kept, 'a: hunter2 \r', 'b:$ecret', ''].join('\n'))
  assert.deepEqual(await changePasswordFile(path, { kind: 'convert', hash }), { changed: 2, notes: [] })
  assert.equal(shapeOf(path), [...kept, 'a:HASH', 'b:HASH', ''].join('\n'))
  assert.ok(await logsIn(t, path, 'a', 'hunter2'))
  assert.ok(await logsIn(t, path, 'b', '$ecret'))
  assert.equal((await changePasswordFile(path, { kind: 'convert', hash })).changed, 0)
})

test('creating starts anew, with mode 0600, and leaves no other file behind', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'passwd')
  const create = (username: string) => changePasswordFile(path, { kind: 'create', username, password: 'x', hash })
  await create('a')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  await create('b')
  assert.equal(shapeOf(path), 'b:HASH\n')
  assert.deepEqual(readdirSync(directory), ['passwd'])
})

test('what everybody could read is 0600 afterwards, with a note; what the group could read it still can', async (t) => {
  const path = fileIn(t, '')
  const modes: number[] = []
  const notes: number[] = []
  for (const mode of [0o644, 0o640, 0o666, 0o400]) {
    chmodSync(path, mode)
    notes.push((await changePasswordFile(path, setTo('a', 'x'))).notes.length)
    modes.push(statSync(path).mode & 0o777)
  }
  assert.deepEqual({ modes, notes }, { modes: [0o640, 0o640, 0o640, 0o600], notes: [1, 0, 1, 0] })
})

test('owner and group are kept by root', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root may give a file away')
    return
  }
  const path = fileIn(t, '')
  chownSync(path, 1234, 4321)
  chmodSync(path, 0o640)
  assert.deepEqual((await changePasswordFile(path, setTo('a', 'x'))).notes, [])
  const { uid, gid, mode } = statSync(path)
  assert.deepEqual([uid, gid, mode & 0o777], [1234, 4321, 0o640])
})

test('a symbolic link stays one; what it names is replaced', async (t) => {
  const path = fileIn(t, '')
  const link = join(temporaryDirectory(t), 'link')
  symlinkSync(path, link)
  await changePasswordFile(link, setTo('a', 'x'))
  assert.ok(lstatSync(link).isSymbolicLink())
  assert.equal(shapeOf(path), 'a:HASH\n')
})

test('a file that is missing, or a place where none can be, is ERR_PASSWORD_FILE', async (t) => {
  const directory = temporaryDirectory(t)
  const folder = join(directory, 'folder')
  mkdirSync(folder)
  for (const path of [join(directory, 'missing'), folder, join(directory, 'missing', 'passwd')]) {
    await assert.rejects(changePasswordFile(path, setTo('a', 'x')), isError('ERR_PASSWORD_FILE'), path)
  }
  for (const path of [folder, join(directory, 'missing', 'passwd')]) {
    const create = changePasswordFile(path, { kind: 'create', username: 'a', password: 'x', hash })
    await assert.rejects(create, isError('ERR_PASSWORD_FILE'), path)
  }
  assert.deepEqual(readdirSync(directory), ['folder'])
})

test('a user name that would not read back as itself is ERR_USERNAME_INVALID, and the file stays', async (t) => {
  const path = fileIn(t, 'a:x\n')
  for (const username of [
    '',
    'a:b',
    'a\nb',
    'a\0',
    '\u0085',
    '\x7f',
    '#a',
    ' a',
    'a ',
    'u'.repeat(65_536),
    'ä'.repeat(32_768),
  ]) {
    for (const change of [setTo(username, 'x'), { kind: 'delete', username } as const]) {
      await assert.rejects(changePasswordFile(path, change), isError('ERR_USERNAME_INVALID'), username.slice(0, 9))
    }
  }
  await assert.rejects(changePasswordFile(path, setTo('a', '')), isError('ERR_PASSWORD_INVALID'))
  assert.equal(shapeOf(path), 'a:x\n')
  const longest = 'u'.repeat(65_535)
  await changePasswordFile(path, setTo(longest, 'x'))
  assert.ok(await logsIn(t, path, longest, 'x'))
})
