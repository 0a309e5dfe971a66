import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { nativeCrypto } from '../../plugins/index.ts'
import { checkpointTopic, ed25519NoteVerifier, parseVerifierKey, type WitnessesJson } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { putBack, refusal } from '../helpers/anchored-chain.ts'
import { type SpawnedBroker, spawnBroker, startBroker } from '../helpers/broker.ts'
import { runCli } from '../helpers/processes.ts'
import { copyOfData } from '../helpers/stored-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { openCosigned, type SpawnedWitness, spawnWitness, verifierOf } from '../helpers/witnessing.ts'

const often = { checkpointIntervalMs: 100 }

/** Starts a broker once, so that it has keys. @returns the verifier key of its log */
async function vkeyOfNewLog(t: TestContext, location: string): Promise<string> {
  const { broker } = await startBroker(t, { location })
  const { logVkey } = broker.chain
  await broker.close()
  return logVkey
}

/** Asks for the status until the witnesses vouch for so many records. */
async function covered(admin: TestAdmin, records: number): Promise<WitnessesJson> {
  for (;;) {
    const { witnesses } = await admin.request('audit.status', {})
    if (witnesses !== null && witnesses.covered >= records) return witnesses
    await wait(20)
  }
}

/** A broker in this process whose log a witness cosigns over HTTP. */
function witnessed(t: TestContext, location: string, { url, vkey }: SpawnedWitness) {
  return startBroker(t, { location, ...often, witnesses: [{ name: 'near', vkey, url }] })
}

/** Starts, publishes so often, and stops when the witness cosigned all of it. @returns the records then */
async function grow(t: TestContext, location: string, witness: SpawnedWitness, publishes: number): Promise<number> {
  const { broker, port } = await witnessed(t, location, witness)
  const admin = await TestAdmin.connect(t, port)
  for (let i = 0; i < publishes; i++) await admin.client.publish('plant/1', `${i}`)
  const { size } = broker.chain.state.frontier
  await covered(admin, size)
  await broker.close()
  return size
}

test('a data directory that was put back does not start beside a witness that saw more, nor does another continuation of it', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const witness = await spawnWitness(t, temporaryDirectory(t), [await vkeyOfNewLog(t, location)])
  const before = await grow(t, location, witness, 2)
  const copy = copyOfData(t, location)
  const seen = await grow(t, location, witness, 3)
  assert.ok((await grow(t, location, witness, 0)) >= seen, 'what the witness saw, or more, starts')
  putBack(copy, location)
  const rolledBack = await refusal(witnessed(t, location, witness))
  assert.equal(rolledBack.code, 'ERR_CHAIN_ROLLED_BACK')
  const { treeSize, place } = rolledBack.details
  assert.deepEqual([treeSize, place], [before, 'the witness near'])
  await isRecovered(t, copyOfData(t, location), witness, before)
  // Somebody goes on with the copy without asking the witness, until there are more records than it saw.
  const { broker, port } = await startBroker(t, { location })
  const { client } = await TestAdmin.connect(t, port)
  for (let i = 0; i < 10; i++) await client.publish('plant/1', `other ${i}`)
  await broker.close()
  assert.equal((await refusal(witnessed(t, location, witness))).code, 'ERR_CHAIN_FORKED')
  // A witness that cannot be reached keeps no broker from starting.
  await witness.process.kill()
  const alone = await witnessed(t, location, witness)
  assert.equal((await TestAdmin.connect(t, alone.port)).client.connack?.reasonCode, 0)
})

/** What the witness answers lets a new log continue the one that it saw. */
async function isRecovered(t: TestContext, location: string, witness: SpawnedWitness, records: number): Promise<void> {
  const file = join(temporaryDirectory(t), 'checkpoint')
  const { origin } = JSON.parse((await runCli(t, ['audit', 'recover', '--db', location, '--json'])).stdout)
  const hash = createHash('sha256').update(origin).digest('hex')
  writeFileSync(file, await (await fetch(`${witness.url}/${hash}/checkpoint`)).text())
  const recover = ['audit', 'recover', '--db', location, '--checkpoint', file, '--json']
  const explained = await runCli(t, recover)
  assert.equal(explained.code, 1, explained.stderr)
  const { verdict, kept } = JSON.parse(explained.stdout)
  assert.equal(verdict, 'rolled-back')
  const opened = await runCli(t, [...recover, '--open-new-log'])
  assert.equal(opened.code, 0, opened.stderr)
  const { continues } = JSON.parse(opened.stdout)
  assert.ok(continues.treeSize > records)
  assert.deepEqual(continues, { origin, treeSize: kept.find((one: { place: string }) => one.place === file).keptSize })
  const { broker } = await witnessed(t, location, witness)
  assert.notEqual(broker.chain.genesis.origin, origin)
  await broker.close()
}

/** A newest checkpoint of the broker that the witness cosigned, of at least so many records. */
async function cosigned(
  t: TestContext,
  { port }: SpawnedBroker,
  logVkey: string,
  witnessVkey: string,
  atLeast: number,
) {
  const admin = await TestAdmin.connect(t, port)
  const status = await covered(admin, atLeast)
  const log = ed25519NoteVerifier(parseVerifierKey(logVkey, nativeCrypto), nativeCrypto)
  await admin.client.subscribe(checkpointTopic, 0)
  for (let count = 1; ; count++) {
    const heard = await admin.client.waitFor(count, ({ topic }) => topic === checkpointTopic)
    const note = heard[count - 1]?.payload.toString() ?? ''
    if (note.split('\n— ').length < 3) continue
    const { treeSize } = openCosigned(note, log, verifierOf(witnessVkey))
    if (treeSize >= BigInt(atLeast)) return { admin, status, treeSize: Number(treeSize) }
  }
}

test('a witness without an open port cosigns what a broker publishes over MQTT, also after either was killed', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const logVkey = await vkeyOfNewLog(t, location)
  const directory = temporaryDirectory(t)
  const asked = await spawnWitness(t, directory, [logVkey])
  await asked.process.kill()
  const lines = [`notary_witness far ${asked.vkey}`, 'notary_checkpoint_interval 100']
  const first = await spawnBroker(t, { location, lines })
  const overMqtt = ['--url', `mqtt://127.0.0.1:${first.port}`]
  const witness = await spawnWitness(t, directory, [logVkey], overMqtt)
  assert.equal(witness.vkey, asked.vkey)
  const before = await cosigned(t, first, logVkey, witness.vkey, 1)
  assert.deepEqual([before.status.quorum, before.status.witnesses[0]?.trouble], [1, null])
  await before.admin.client.publish('plant/1', 'one')
  const after = await cosigned(t, first, logVkey, witness.vkey, before.treeSize + 1)
  await first.stop('SIGKILL')
  const second = await spawnBroker(t, { location, lines, port: first.port })
  const { admin } = await cosigned(t, second, logVkey, witness.vkey, after.treeSize)
  await witness.process.kill()
  await admin.client.publish('plant/1', 'two')
  const { treeSize } = await admin.request('audit.status', {})
  await spawnWitness(t, directory, [logVkey], overMqtt)
  await cosigned(t, second, logVkey, witness.vkey, treeSize)
})
