import assert from 'node:assert/strict'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { AuthenticationError } from '../../../plugins/authentication/errors.ts'
import {
  maxPasswordFileBytes,
  parsePasswordFile,
  readPasswordFile,
} from '../../../plugins/authentication/password-file.ts'
import { formatPasswordHash } from '../../../plugins/authentication/password-hash.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** `$7$101$...` whose salt is filled with the byte, to tell one from another. */
const hashOf = (fill: number) =>
  `$7$101$${Buffer.alloc(12, fill).toString('base64')}$${Buffer.alloc(64, fill).toString('base64')}`
const good = hashOf(1)

const parse = (text: string | Uint8Array) => parsePasswordFile(Buffer.from(text), 'p')
const namesOf = (text: string | Uint8Array) => [...parse(text).users.keys()]

test('a line is taken apart as Mosquitto 2.0.11 does it', () => {
  const users: readonly (readonly [line: string, ...names: string[]])[] = [
    [`a:${good}`, 'a'],
    [`  a\t: ${good} \r`, 'a'],
    [`a:${good}:rest`, 'a'],
    [`:a:${good}`, 'a'],
    [`::a::${good}`, 'a'],
    [`i j:${good}`, 'i j'],
    [` #e:${good}`, '#e'],
    [`  :${good}`, ''],
    [`\uFEFFa:${good}`, '\uFEFFa'],
    [`\u00a0a:${good}`, '\u00a0a'],
    [`#a:${good}`],
    ['a'],
    [''],
    ['   '],
    [':::'],
  ]
  for (const [line, ...names] of users) {
    assert.deepEqual(namesOf(`${line}\n`), names, JSON.stringify(line))
    assert.deepEqual(parse(line).warnings, [], JSON.stringify(line))
  }
})

test('the last line counts without a newline, an empty file has no users', () => {
  assert.deepEqual(namesOf(`a:${good}\nb:${good}`), ['a', 'b'])
  assert.deepEqual(parse(''), { users: new Map(), warnings: [] })
})

test('of several good lines for a user the last counts; a bad one takes nothing away', () => {
  const hashIn = (text: string) => {
    const stored = parse(text).users.get('a')
    return stored && formatPasswordHash(stored)
  }
  assert.equal(hashIn(`a:${hashOf(1)}\na:${hashOf(2)}\n`), hashOf(2))
  assert.equal(hashIn(`a:${good}\na:$7$101$xx$yy\n`), good)
  assert.equal(hashIn(`a:$7$101$xx$yy\na:${good}\n`), good)
})

test('a bad line costs its user the login, with a warning that names file and line and says nothing of the line', () => {
  const secret = Buffer.alloc(64, 9).toString('base64')
  const text = [
    '# users',
    `a:${good}`,
    'plain:hunter2',
    `bad:$7$101$short$${secret}`,
    'f:',
    `zero\0:${good}`,
    `${'u'.repeat(65_536)}:${good}`,
    `long:${'x'.repeat(140_000)}`,
    `z:${good}`,
  ]
  const { users, warnings } = parse(text.join('\n'))
  assert.deepEqual([...users.keys()], ['a', 'z'])
  assert.deepEqual(
    warnings.map((warning) => /^p:(\d+): /.exec(warning)?.[1]),
    ['3', '4', '5', '6', '7', '8'],
  )
  assert.match(warnings[0] ?? '', /notarymq passwd -U/)
  for (const warning of warnings) assert.doesNotMatch(warning, /hunter2|plain:|short|uuuu|xxxx|CQkJ/)
})

test('a line that is not UTF-8 costs its user the login', () => {
  const { users, warnings } = parse(Buffer.concat([Buffer.from([0xff]), Buffer.from(`a:${good}\nb:${good}\n`)]))
  assert.deepEqual([...users.keys()], ['b'])
  assert.equal(warnings.length, 1)
})

test('a file of nothing but bad lines gives a hundred warnings and a count, not a million', () => {
  const { warnings } = parse('a:\n'.repeat(20_000))
  assert.equal(warnings.length, 101)
  assert.match(warnings.at(-1) ?? '', /19900 more/)
})

test('no bytes make the parser throw', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc
      .constantFrom(':', '\n', '#', '$', '$7$', '$6$', '$argon2id$v=19$m=64,t=1,p=1$', good)
      .map((text) => Buffer.from(text)),
  )
  const property = fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const { users, warnings } = parse(Buffer.concat(pieces))
    for (const [name, stored] of users) assert.deepEqual(namesOf(`x${name}:${formatPasswordHash(stored)}`).length, 1)
    assert.ok(warnings.every((warning) => warning.startsWith('p:')))
  })
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
})

test('a file that is missing, a directory or too large is ERR_PASSWORD_FILE', (t) => {
  const directory = temporaryDirectory(t)
  const [folder, huge, fine] = ['folder', 'huge', 'fine'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  mkdirSync(folder)
  writeFileSync(huge, '')
  truncateSync(huge, maxPasswordFileBytes + 1)
  for (const path of [join(directory, 'missing'), folder, huge, join(fine, 'below')]) {
    assert.throws(
      () => readPasswordFile(path),
      (error) =>
        error instanceof AuthenticationError && error.code === 'ERR_PASSWORD_FILE' && error.message.includes(path),
    )
  }
  writeFileSync(fine, `a:${good}\n`)
  assert.deepEqual([...readPasswordFile(fine).users.keys()], ['a'])
})
