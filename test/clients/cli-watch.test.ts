import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { auditWatch } from '../../clients/cli/index.ts'
import { MqttLog } from '../../clients/cli/mqtt-log.ts'
import { ClientError } from '../../clients/errors.ts'
import { exportLog, nativeCrypto } from '../../plugins/index.ts'
import { fromBase64url, parseCheckpointText, parseSignedNote, verifyConsistency } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { putBack } from '../helpers/anchored-chain.ts'
import { startBroker } from '../helpers/broker.ts'
import { runCommandHere } from '../helpers/cli.ts'
import { ExportedChain } from '../helpers/exported-chain.ts'
import { logKey } from '../helpers/notes.ts'
import { runCli } from '../helpers/processes.ts'
import { serveDirectory } from '../helpers/served-directory.ts'
import { copyOfData } from '../helpers/stored-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const command = { name: 'audit', help: '', run: auditWatch }

/** Exports a chain into a directory of its own. */
async function exportTo(t: TestContext, exported: ExportedChain): Promise<string> {
  const directory = join(temporaryDirectory(t), 'export')
  await exportLog(exported.source, await exported.note(), directory)
  return directory
}

/** A chain of some size, its export on a web server, and a watcher that looks at it. */
async function scene(t: TestContext, size: number) {
  const exported = await ExportedChain.open(t)
  await exported.growTo(size)
  const server = await serveDirectory(t, await exportTo(t, exported))
  const state = temporaryDirectory(t)
  const vkey = exported.chain.logVkey
  const watch = (...more: readonly string[]) =>
    runCommandHere(command, [server.url, '--vkey', vkey, '--state', state, '--json', ...more])
  const look = async (...more: readonly string[]) => {
    const { code, stdout, stderr } = await watch('--once', ...more)
    return { code, stderr, ...(stdout === '' ? {} : JSON.parse(stdout)) }
  }
  const evidence = () => {
    const names = readdirSync(state).filter((name) => name.startsWith('evidence-'))
    return JSON.parse(readFileSync(join(state, names[0] ?? ''), 'utf8'))
  }
  return { exported, server, state, vkey, watch, look, evidence }
}

const treeOf = (note: string) => parseCheckpointText(parseSignedNote(note).text)

/** Two chains with one key that are the same up to a size. */
async function fork(t: TestContext, exported: ExportedChain): Promise<readonly [ExportedChain, ExportedChain]> {
  await exported.keeper.close()
  await exported.chain.close()
  const copy = join(temporaryDirectory(t), 'copy')
  cpSync(exported.location, copy, { recursive: true })
  return [await ExportedChain.open(t, exported.location), await ExportedChain.open(t, copy)]
}

test('a log of a broker that only grows is all right, look after look, in processes that know what was seen before', async (t) => {
  const { broker } = await startBroker(t, { logListeners: [{ port: 0 }], checkpointIntervalMs: 100 })
  const [url = ''] = broker.logUrls
  const state = temporaryDirectory(t)
  const args = ['audit', 'watch', url, '--vkey', broker.chain.logVkey, '--state', state, '--once']
  const checkpoint = () => fetch(`${url}/checkpoint`)
  while ((await checkpoint()).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20))
  const first = await runCli(t, args)
  assert.deepEqual([first.code, first.stderr], [0, ''])
  assert.match(first.stdout, /^ok: 1 records, root [A-Za-z0-9+/]{43}=\n$/)
  assert.equal(
    JSON.parse(readFileSync(join(state, 'watch.json'), 'utf8')).checkpoint,
    await (await checkpoint()).text(),
  )
})

test('over MQTT an administrator follows the log by its leaves, and an older copy of it is a rollback', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const options = { location, checkpointIntervalMs: 100 }
  const state = temporaryDirectory(t)
  const grown = async (publishes: number) => {
    const running = await startBroker(t, options)
    const admin = await TestAdmin.connect(t, running.port)
    for (let i = 0; i < publishes; i++) await admin.client.publish('plant/1', `${i}`)
    const { size } = running.broker.chain.state.frontier
    await admin.request('audit.receipt', { index: size - 1 })
    const watch = [`mqtt://127.0.0.1:${running.port}`, '--vkey', running.broker.chain.logVkey, '--state', state]
    const { code, stdout, stderr } = await runCommandHere(command, [...watch, '--once', '--json'])
    await running.broker.close()
    return { size, code, stderr, ...(stdout === '' ? {} : JSON.parse(stdout)) }
  }
  const first = await grown(300)
  assert.deepEqual([first.code, first.stderr, first.treeSize], [0, '', first.size])
  const copy = copyOfData(t, location)
  const second = await grown(20)
  assert.deepEqual([second.code, second.treeSize], [0, second.size])
  putBack(copy, location)
  const third = await grown(1)
  assert.deepEqual([third.code, third.cause], [1, 'rollback'])
  const fourth = await grown(40)
  // Without tiles it is not told whether the tree or its leaves are others.
  assert.deepEqual([fourth.code, fourth.cause], [1, 'root-mismatch'])
  assert.equal(readdirSync(state).filter((name) => name.startsWith('evidence-')).length, 2)
})

test('over MQTT a log that was unreachable is asked again on a new connection', async (t) => {
  const first = await startBroker(t, { checkpointIntervalMs: 100 })
  const { location, port } = first
  const log = new MqttLog({ host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' })
  const before = treeOf(Buffer.from(await log.checkpoint()).toString())
  await first.broker.close()
  const isUnreachable = (error: unknown) => error instanceof ClientError && error.code === 'ERR_LOG_UNREACHABLE'
  await assert.rejects(log.checkpoint(), isUnreachable)
  await startBroker(t, { location, listeners: [{ protocol: 'mqtt', port, host: '127.0.0.1' }] })
  const after = treeOf(Buffer.from(await log.checkpoint()).toString())
  assert.ok(after.treeSize >= before.treeSize)
  await log.close()
})

test('over MQTT a client that is no administrator cannot watch: the log is unreachable', async (t) => {
  const { broker, port } = await startBroker(t, { anonymousAdmin: false, checkpointIntervalMs: 100 })
  const args = [`mqtt://127.0.0.1:${port}`, '--vkey', broker.chain.logVkey, '--state', temporaryDirectory(t), '--once']
  const isUnreachable = (error: unknown) => error instanceof ClientError && error.code === 'ERR_LOG_UNREACHABLE'
  await assert.rejects(auditWatch(args, { out: () => {}, error: () => {} }), isUnreachable)
})

for (const [before, after] of [
  [3, 4],
  [255, 257],
  [256, 600],
  [300, 301],
] as const) {
  test(`a log that grew from ${before} to ${after} records is followed from there`, async (t) => {
    const { exported, server, look } = await scene(t, before)
    assert.deepEqual([(await look()).treeSize, (await look()).treeSize], [before, before])
    await exported.growTo(after)
    server.directory = await exportTo(t, exported)
    const asked: string[] = []
    server.instead = (path) => void asked.push(path)
    assert.equal((await look()).treeSize, after)
    // What was seen before is not read again, but for the bundle that was not full.
    assert.equal(asked.length, 1 + Math.ceil(after / 256) - Math.floor(before / 256))
  })
}

test('an older tree is a rollback, and both signed checkpoints are kept', async (t) => {
  const { exported, server, look, evidence } = await scene(t, 300)
  const older = server.directory
  await exported.growTo(310)
  server.directory = await exportTo(t, exported)
  assert.equal((await look()).code, 0)
  server.directory = older
  const { code, event, cause } = await look()
  assert.deepEqual([code, event, cause], [1, 'alarm', 'rollback'])
  assert.deepEqual([treeOf(evidence().kept).treeSize, treeOf(evidence().received).treeSize], [310n, 300n])
})

test('another tree of the same size is a fork', async (t) => {
  const { exported, server, look } = await scene(t, 300)
  const [one, other] = await fork(t, exported)
  for (const chain of [one, other]) await chain.growTo(310)
  server.directory = await exportTo(t, one)
  assert.equal((await look()).code, 0)
  server.directory = await exportTo(t, other)
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'fork'])
})

test('a larger tree that does not extend the one before is a fork, and what is kept proves it to anybody', async (t) => {
  const { exported, server, look, evidence } = await scene(t, 300)
  const [one, other] = await fork(t, exported)
  await one.growTo(310)
  await other.growTo(400)
  server.directory = await exportTo(t, one)
  assert.equal((await look()).code, 0)
  server.directory = await exportTo(t, other)
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'fork'])
  const { kept, received, proof } = evidence()
  const [older, newer] = [treeOf(kept), treeOf(received)]
  const prefixRoot = fromBase64url(proof.prefixRoot)
  assert.notDeepEqual(prefixRoot, Uint8Array.from(older.rootHash))
  const path = proof.path.map(fromBase64url)
  const sizes = { size1: older.treeSize, size2: newer.treeSize }
  verifyConsistency({ ...sizes, path }, prefixRoot, newer.rootHash, nativeCrypto)
})

test('leaves that do not lead to the signed root are an alarm', async (t) => {
  const { server, look, evidence } = await scene(t, 300)
  server.instead = (path) => {
    if (path !== 'tile/entries/000') return undefined
    const bundle = readFileSync(join(server.directory, path))
    return Uint8Array.from(bundle, (byte, i) => (i === 40 ? byte ^ 1 : byte))
  }
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'root-mismatch'])
  assert.equal(treeOf(evidence().received).treeSize, 300n)
  server.instead = (path) => (path === 'tile/entries/001.p/44' ? 'no bundle at all' : undefined)
  assert.equal((await look()).cause, 'root-mismatch')
})

test('a checkpoint by another key, or altered, is an alarm', async (t) => {
  const { exported, server, vkey, look } = await scene(t, 3)
  const note = await exported.note()
  server.instead = (path) => (path === 'checkpoint' ? note.replace('\n3\n', '\n4\n') : undefined)
  assert.equal((await look()).cause, 'bad-signature')
  server.instead = () => undefined
  const other = logKey(exported.chain.genesis.origin, 5).vkey
  const state = temporaryDirectory(t)
  const args = [server.url, '--vkey', other, '--state', state, '--json', '--once']
  assert.equal((await runCommandHere(command, args)).code, 1)
  // With the key of the log beside it all is well.
  assert.equal((await runCommandHere(command, [...args, '--vkey', vkey])).code, 0)
})

test('what is not there, too large or no checkpoint is no alarm at once: the log is unreachable', async (t) => {
  const { server, state, vkey } = await scene(t, 300)
  const quiet = { out: () => {}, error: () => {} }
  const isUnreachable = (error: unknown) => error instanceof ClientError && error.code === 'ERR_LOG_UNREACHABLE'
  const look = () => auditWatch([server.url, '--vkey', vkey, '--state', state, '--once'], quiet)
  const answers: readonly (readonly [string, string | number | Uint8Array])[] = [
    ['checkpoint', 500],
    ['checkpoint', 404],
    ['checkpoint', 302],
    ['checkpoint', '<html>please log in</html>'],
    ['checkpoint', new Uint8Array(300_000)],
    ['tile/entries/000', 404],
    ['tile/entries/001.p/44', 404],
    ['tile/entries/000', new Uint8Array(17_000_000)],
  ]
  for (const [asked, answer] of answers) {
    server.instead = (path) => (path === asked ? answer : undefined)
    await assert.rejects(look(), isUnreachable, `${asked} ${answer}`.slice(0, 60))
  }
  assert.deepEqual(readdirSync(state), [])
})

test('a log that stays silent, or does not grow, for longer than is allowed is an alarm', async (t) => {
  const { server, watch } = await scene(t, 3)
  const stale = await watch('--interval', '1', '--max-age', '1')
  assert.equal(stale.code, 1)
  assert.equal(JSON.parse(stale.stdout.split('\n').at(-2) ?? '').cause, 'stale')
  server.instead = () => 503
  const silent = await watch('--interval', '1', '--max-silence', '1')
  assert.equal(silent.code, 1)
  assert.equal(JSON.parse(silent.stdout.split('\n').at(-2) ?? '').cause, 'unreachable')
})

test('a state that is damaged, or of another log, is refused', async (t) => {
  const { server, state, vkey, look } = await scene(t, 3)
  assert.equal((await look()).code, 0)
  const path = join(state, 'watch.json')
  const good = readFileSync(path, 'utf8')
  const quiet = { out: () => {}, error: () => {} }
  const isRefused = (error: unknown) => error instanceof ClientError && error.code === 'ERR_WATCH_STATE'
  const args = ['--state', state, '--once']
  for (const bad of [
    '',
    '{}',
    good.replace('"version": 1', '"version": 2'),
    good.replace(/"subtrees": \[\n *"./, '$&A'),
  ]) {
    writeFileSync(path, bad)
    await assert.rejects(auditWatch([server.url, '--vkey', vkey, ...args], quiet), isRefused)
  }
  writeFileSync(path, good)
  const other = logKey('example.com/other', 5).vkey
  await assert.rejects(auditWatch([server.url, '--vkey', other, ...args], quiet), isRefused)
})

test('a watcher is told whose log it watches, and where that is', async (t) => {
  const state = temporaryDirectory(t)
  const quiet = { out: () => {}, error: () => {} }
  const { vkey } = logKey('example.com/log', 1)
  const isUsage = (error: unknown) => error instanceof ClientError && error.code === 'ERR_USAGE'
  for (const args of [
    [],
    ['http://x/'],
    ['nowhere', '--vkey', vkey],
    ['ftp://x/', '--vkey', vkey],
    ['mqtts://x', '--vkey', vkey],
  ]) {
    await assert.rejects(auditWatch([...args, '--state', state, '--once'], quiet), isUsage, args.join(' '))
  }
})
