import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type KeyJson, p256ToJwk, toBase64url } from '../../protocol/index.ts'
import { startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { publicPem } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const brokerAt = (port: number) => ['-p', `${port}`, '-h', '127.0.0.1']
const kidOf = (n: number) => toBase64url(numberedKey(n).thumbprint)

test('a file of keys is enrolled line by line: a bad one stops no other, and doing it again changes nothing', async (t) => {
  const { port, broker } = await startBroker(t)
  const at = brokerAt(port)
  const file = join(temporaryDirectory(t), 'keys.jsonl')
  const lines = [
    JSON.stringify({ name: 'one', key: p256ToJwk(numberedKey(1)), restrictions: { topics: ['a/#'] } }),
    '{',
    '',
    JSON.stringify({ name: 'one', key: publicPem(numberedKey(2)) }),
    JSON.stringify({ name: 'two', key: publicPem(numberedKey(2)), color: 'red' }),
    JSON.stringify({ name: 'two', key: publicPem(numberedKey(2)) }),
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  for (let i = 0; i < 2; i++) {
    const { code, stdout, stderr } = await runHere('enroll', '--file', file, ...at)
    assert.equal(code, 1)
    const printed = stdout.trimEnd().split('\n')
    assert.deepEqual([printed[0], printed[4]], [`line 1: enrolled ${kidOf(1)} one`, `line 6: enrolled ${kidOf(2)} two`])
    assert.match(stdout, /^line 2: not JSON\nline 4: .*name.*\nline 5: unknown member color$/m)
    assert.equal(stderr, '2 enrolled, 3 failed\n')
  }
  assert.equal(broker.chain.state.frontier.size, 3)
  const { stdout } = await runHere('enroll', '--file', file, '--json', ...at)
  const results = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { line: number; kid?: string })
  assert.deepEqual(
    results.map(({ line, kid }) => [line, kid !== undefined]),
    [
      [1, true],
      [2, false],
      [4, false],
      [5, false],
      [6, true],
    ],
  )
  const gone = await runHere('enroll', '--file', `${file}.gone`, ...at)
  assert.deepEqual([gone.code, /cannot be read/.test(gone.stderr)], [2, true])
})

test('a key is enrolled restricted and with proof, restricted otherwise, and rotated', async (t) => {
  const { port } = await startBroker(t)
  const at = brokerAt(port)
  const directory = temporaryDirectory(t)
  const [old, next] = [join(directory, 'old.pem'), join(directory, 'new.pem')]
  for (const path of [old, next]) assert.equal((await runHere('keygen', path)).code, 0)
  const enrolled = await runHere('enroll', old, '--name', 'press', '--proof', '--topic', 'a/#', '--window', '64', ...at)
  assert.equal(enrolled.code, 0, enrolled.stderr)
  assert.match((await runHere('keys', ...at)).stdout, /^\S+ {2}press {2}enrolled at 1 {2}topics a\/# window 64\n$/)
  const restricted = await runHere('keys', 'restrict', 'press', '--client', 'press-*', '--clock', 'none', ...at)
  assert.equal(restricted.code, 0, restricted.stderr)
  const rotated = await runHere('rotate', 'press', next, '--name', 'press b', '--overlap', '5', '--json', ...at)
  assert.equal(rotated.code, 0, rotated.stderr)
  const { kid, replaced } = JSON.parse(rotated.stdout) as { kid: string; replaced: KeyJson }
  assert.deepEqual([replaced.name, replaced.status, replaced.lastIndex], ['press', 'retiring', 9])
  const list = JSON.parse((await runHere('keys', '--json', ...at)).stdout) as { keys: KeyJson[] }
  const added = list.keys.find((key) => key.kid === kid)
  assert.deepEqual(
    [added?.name, added?.replaces, added?.restrictions],
    ['press b', replaced.kid, { clients: ['press-*'], clock: 'none' }],
  )
  for (const wrong of [
    ['enroll', old, '--clock', 'sundial'],
    ['enroll', old, '--window', '1'],
    ['enroll', old, '--file', 'x'],
    ['rotate', 'press'],
    ['keys', 'restrict'],
    ['audit', 'gaps'],
  ]) {
    assert.equal((await runHere(...wrong, ...at)).code, 2, wrong.join(' '))
  }
})

test('the gaps of a key are printed, and are the exit code', async (t) => {
  const { port } = await startBroker(t)
  const at = brokerAt(port)
  const file = join(temporaryDirectory(t), 'key.pem')
  await runHere('keygen', file)
  await runHere('enroll', file, '--name', 'press', ...at)
  for (const seq of [7, 8, 12]) {
    writeFileSync(`${file}.seq`, `${seq}\n`)
    assert.equal((await runHere('pub', '-t', 'a', '-m', 'x', '--identity', file, '-q', '1', ...at)).code, 0)
  }
  const gaps = await runHere('audit', 'gaps', 'press', ...at)
  assert.deepEqual([gaps.code, gaps.stdout], [1, '9-11\nhighest 12\n'])
  const none = await runHere('audit', 'gaps', 'press', '--to', '8', '--json', ...at)
  assert.deepEqual([none.code, JSON.parse(none.stdout)], [0, { highest: 12, missing: [], cursor: null }])
})
