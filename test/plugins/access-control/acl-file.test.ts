import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  AccessControlError,
  type AccessControlErrorCode,
  type AclRule,
  maxAclFileBytes,
  parseAclFile,
  readAclFile,
} from '../../../plugins/access-control/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { badLines, goodLines } from './acl-lines.ts'

const rulesOf = (text: string) => {
  const { anonymous, users, patterns } = parseAclFile(text, 'test.acl')
  return { anonymous, users: Object.fromEntries(users), patterns }
}
const rule = (access: AclRule['access'], filter: string): AclRule => ({ access, filter })
const refusedWith = (code: AccessControlErrorCode, details: object) => (error: unknown) => {
  assert.ok(error instanceof AccessControlError, String(error))
  assert.deepEqual({ code: error.code, details: error.details }, { code, details })
  return true
}

describe('an acl_file', () => {
  test('gives topics before the first user to anonymous clients, the others to the user before them', () => {
    assert.deepEqual(rulesOf('topic read a\nuser ann\ntopic write b\npattern read p/%u\ntopic deny c\n'), {
      anonymous: [rule('read', 'a')],
      users: { ann: [rule('write', 'b'), rule('deny', 'c')] },
      patterns: [rule('read', 'p/%u')],
    })
  })

  test('may come back to a user', () => {
    const { users } = rulesOf('user ann\ntopic a\nuser bob\ntopic b\nuser ann\ntopic c\n')
    assert.deepEqual(users, { ann: [rule('readwrite', 'a'), rule('readwrite', 'c')], bob: [rule('readwrite', 'b')] })
  })

  test('may have spaces inside a username, and blanks around it', () => {
    assert.deepEqual(rulesOf('user  \tann of  plant 2\t \r\ntopic a').users, {
      'ann of  plant 2': [rule('readwrite', 'a')],
    })
  })

  test('may be empty, or end without a line feed', () => {
    const nothing = { anonymous: [], users: {}, patterns: [] }
    assert.deepEqual(rulesOf(''), nothing)
    assert.deepEqual(rulesOf('topic read a'), { ...nothing, anonymous: [rule('read', 'a')] })
  })

  test('has comments with # as the very first character, and lines of blanks', () => {
    assert.deepEqual(rulesOf('# topic a\n#\n\n  \t\r\n#\0\uFFFD\ntopic b\n').anonymous, [rule('readwrite', 'b')])
  })

  test('warns of patterns without a variable', () => {
    const { patterns, warnings } = parseAclFile('pattern read a/%u\n\npattern read all/%x\n', 'test.acl')
    assert.deepEqual(patterns, [rule('read', 'a/%u'), rule('read', 'all/%x')])
    const message = "ACL pattern 'all/%x' does not contain '%c' or '%u'."
    assert.deepEqual(warnings, [{ file: 'test.acl', line: 3, message }])
  })

  for (const { what, line, rule: wanted } of goodLines) {
    test(`takes a line ${what}`, () => assert.deepEqual(rulesOf(`${line}\n`).anonymous, [wanted]))
  }

  for (const { what, line, code } of badLines) {
    test(`refuses a line ${what}, naming file and line`, () => {
      const parse = () => parseAclFile(`# first\ntopic a\n${line}\n`, 'test.acl')
      assert.throws(parse, refusedWith(code, { file: 'test.acl', line: 3 }))
    })
  }

  test('is read as UTF-8; other bytes pass in comments only', (t) => {
    const path = join(temporaryDirectory(t), 'acl')
    writeFileSync(path, Buffer.from('# M\xFCller\nuser Müller\ntopic a\n', 'latin1'))
    assert.throws(() => readAclFile(path), refusedWith('ERR_ACL_TEXT_MALFORMED', { file: path, line: 2 }))
    writeFileSync(path, Buffer.concat([Buffer.from('# M\xFC\n', 'latin1'), Buffer.from('user Müller\ntopic a\n')]))
    assert.deepEqual([...readAclFile(path).users.keys()], ['Müller'])
  })

  test('that is missing, or a directory, is refused', (t) => {
    const directory = temporaryDirectory(t)
    const missing = join(directory, 'acl')
    assert.throws(() => readAclFile(missing), refusedWith('ERR_ACL_FILE_UNREADABLE', { file: missing }))
    assert.throws(() => readAclFile(directory), refusedWith('ERR_ACL_FILE_UNREADABLE', { file: directory }))
  })

  test('that is too large is refused, and not read', (t) => {
    const path = join(temporaryDirectory(t), 'acl')
    writeFileSync(path, '')
    truncateSync(path, 2 ** 40)
    assert.throws(() => readAclFile(path), refusedWith('ERR_ACL_FILE_TOO_LARGE', { file: path }))
    const text = '#'.repeat(maxAclFileBytes + 1)
    assert.throws(() => parseAclFile(text, 'text'), refusedWith('ERR_ACL_FILE_TOO_LARGE', { file: 'text' }))
  })

  test('of any text is parsed or refused with a code', () => {
    const word = fc.constantFrom(
      'topic',
      'user',
      'pattern',
      'read',
      'deny',
      ' ',
      '\t',
      '\r',
      '#',
      '+',
      'a/',
      '%u',
      '\n',
    )
    const text = fc.array(fc.oneof(word, fc.string({ maxLength: 3 }))).map((words) => words.join(''))
    fc.assert(
      fc.property(text, (some) => {
        try {
          parseAclFile(some, 'any')
        } catch (error) {
          assert.ok(error instanceof AccessControlError, String(error))
          assert.equal(typeof error.details.line, 'number')
        }
      }),
      { seed: fcSeed, numRuns: 2000 },
    )
  })
})
