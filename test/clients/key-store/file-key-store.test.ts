import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { reserveSequenceNumber } from '../../../clients/identity/index.ts'
import { FileKeyStore } from '../../../clients/key-store/file-key-store.ts'
import { withFileLock, withFileLockSync } from '../../../clients/key-store/file-lock.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { programArguments } from '../../helpers/program.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const thumbprint = new Uint8Array(32).fill(7)

/** A process that takes two numbers at a time for ever and says the first of each, or says that it holds a lock. */
function start(t: TestContext, task: 'take' | 'hold', path: string) {
  const args = [...programArguments('test/clients/key-store/lock-process.ts'), task, path]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  atEnd(t, () => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return { child, ended: once(child, 'exit'), output: () => output }
}

test('the number of a key in a file lies beside it, where the command line takes it too', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'device.pem')
  const store = new FileKeyStore(join(directory, 'store'), [{ path, thumbprint }])
  assert.equal(reserveSequenceNumber(path), 1)
  assert.equal(await store.reserveSequenceNumbers(thumbprint, 3), 2)
  assert.equal(reserveSequenceNumber(path), 5)
  await store.raiseSequenceNumber(thumbprint, 9)
  assert.equal(reserveSequenceNumber(path), 9)
  assert.equal(readFileSync(`${path}.seq`, 'utf8'), '10\n')
  await store.raiseSequenceNumber(new Uint8Array(32), 50)
  assert.equal(reserveSequenceNumber(path), 10)
})

test('only the owner reads the store, and no lock or half-written file stays', async (t) => {
  const directory = join(temporaryDirectory(t), 'deep', 'store')
  const store = new FileKeyStore(directory)
  await store.set('topic-key', thumbprint)
  await store.countEncryptions('topic-key', 1)
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  const files = readdirSync(directory)
  assert.equal(files.length, 2)
  for (const file of files) {
    assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600)
    assert.match(file, /^[\w.-]+-[0-9a-f]{16}$/)
  }
})

test('two processes that are killed while they take numbers leave gaps, never a number for two', async (t) => {
  const directory = temporaryDirectory(t)
  const taken: number[] = []
  for (let round = 0; round < 3; round++) {
    const takers = [start(t, 'take', directory), start(t, 'take', directory)]
    for (const { child } of takers) await once(child.stdout, 'data')
    for (const { child } of takers) child.kill('SIGKILL')
    for (const { ended, output } of takers) {
      await ended
      taken.push(...output().split('\n').slice(0, -1).map(Number))
    }
    // Whatever they held when they died, this process gets on.
    taken.push(await new FileKeyStore(directory).reserveSequenceNumbers(thumbprint, 2))
  }
  const numbers = taken.flatMap((first) => [first, first + 1])
  assert.ok(numbers.length > 12)
  assert.equal(new Set(numbers).size, numbers.length)
})

test('a lock of a process that was killed while it held it is taken over at once', async (t) => {
  const lock = join(temporaryDirectory(t), 'a.lock')
  const holder = start(t, 'hold', lock)
  await once(holder.child.stdout, 'data')
  assert.ok(existsSync(lock))
  assert.throws(() => withFileLockSync(lock, () => 'ours'), { code: 'ERR_SEQUENCE_FILE' })
  holder.child.kill('SIGKILL')
  await holder.ended
  assert.equal(
    withFileLockSync(lock, () => 'ours'),
    'ours',
  )
  assert.ok(!existsSync(lock))
})

test('a process that has the id of a dead one does not keep its lock alive', (t) => {
  if (!existsSync('/proc/self/stat')) return t.skip('only /proc tells when a process began')
  const lock = join(temporaryDirectory(t), 'a.lock')
  writeFileSync(lock, `${hostname()} ${process.pid} another-boot/1 nonce\n`)
  assert.equal(
    withFileLockSync(lock, () => 'ours'),
    'ours',
  )
})

test('a process that died while it took a lock over does not keep it', (t) => {
  const directory = temporaryDirectory(t)
  const lock = join(directory, 'a.lock')
  // No process has this id: the largest one of Linux is 2^22.
  writeFileSync(lock, `${hostname()} 4194305 boot/1 first\n`)
  writeFileSync(`${lock}.first`, `${hostname()} 4194305 boot/2 second\n`)
  withFileLockSync(lock, () => assert.deepEqual(readdirSync(directory), ['a.lock']))
  assert.deepEqual(readdirSync(directory), [])
})

test('a lock of another machine, or of nobody, is not taken over', async (t) => {
  const directory = temporaryDirectory(t)
  const contents = ['another-host 4194305 boot/1 nonce\n', '', '4194305\n']
  // Side by side: each is waited for.
  const attempts = contents.map(async (content, at) => {
    const lock = join(directory, `${at}.lock`)
    writeFileSync(lock, content)
    await assert.rejects(
      withFileLock(lock, () => 'ours'),
      { code: 'ERR_SEQUENCE_FILE' },
      content,
    )
    assert.equal(readFileSync(lock, 'utf8'), content)
  })
  await Promise.all(attempts)
})

test('a directory that cannot be made or written is ERR_KEY_STORE or ERR_SEQUENCE_FILE, and nothing is taken', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'file'), '')
  assert.throws(() => new FileKeyStore(join(directory, 'file', 'store')), { code: 'ERR_KEY_STORE' })
  const gone = join(directory, 'gone')
  const store = new FileKeyStore(gone)
  rmSync(gone, { recursive: true })
  await assert.rejects(store.reserveSequenceNumbers(thumbprint, 1), { code: 'ERR_SEQUENCE_FILE' })
  mkdirSync(gone)
  assert.equal(await store.reserveSequenceNumbers(thumbprint, 1), 1)
  // A name that is a directory can neither be read nor replaced.
  await store.set('a', thumbprint)
  const file = readdirSync(gone).find((name) => name.startsWith('value_a-')) ?? assert.fail('no file')
  rmSync(join(gone, file))
  mkdirSync(join(gone, file))
  await assert.rejects(store.get('a'), { code: 'ERR_KEY_STORE' })
  await assert.rejects(store.set('a', thumbprint), { code: 'ERR_KEY_STORE' })
})
