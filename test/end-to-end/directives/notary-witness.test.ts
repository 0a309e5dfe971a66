import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AuditChain } from '../../../plugins/index.ts'
import {
  type AuditStatus,
  encodeSignatureLines,
  parseSignedNote,
  signatureBy,
  type WitnessesJson,
} from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort, startBroker } from '../../helpers/broker.ts'
import { runHere } from '../../helpers/cli.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { witnessKey } from '../../helpers/notes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { spawnWitness } from '../../helpers/witnessing.ts'
import { covers, eventually, Program } from './support.ts'

/** A data directory whose log has its key. */
async function newLog(t: TestContext): Promise<{ location: string; vkey: string }> {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location })
  await chain.close()
  return { location, vkey: chain.logVkey }
}

async function witnessesOf(admin: TestAdmin): Promise<WitnessesJson> {
  const { witnesses }: AuditStatus = await admin.request('audit.status', {})
  return witnesses ?? assert.fail('no witnesses')
}

test('notary_witness, notary_witness_quorum: a witness of another process cosigns what is published, also after kill -9', async (t) => {
  covers('notary_witness', 'notary_witness_quorum')
  const { location, vkey } = await newLog(t)
  const directory = temporaryDirectory(t)
  const witness = await spawnWitness(t, directory, [vkey])
  const absent = witnessKey('example.com/absent', 5).vkey
  const port = await freePort()
  const lines = [
    `persistence_location ${location}`,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'notary_admin anonymous',
    `notary_witness near ${witness.vkey} ${witness.url}`,
    `notary_witness far ${absent}`,
    'notary_witness_quorum any',
  ]
  const program = await Program.start(t, lines)
  const admin = await TestAdmin.connect(t, port)
  const client = await TestClient.connect(t, port)
  const covered = (records: number) =>
    eventually(
      () => witnessesOf(admin),
      (status) => status.covered >= records,
    )
  assert.equal(await client.publish('plant/1', 'one'), 0)
  const { quorum, met, witnesses } = await covered(2)
  assert.deepEqual([quorum, met], [1, true])
  assert.deepEqual(
    witnesses.map(({ name, treeSize, trouble }) => [name, treeSize !== null, trouble]),
    [
      ['near', true, null],
      ['far', false, null],
    ],
  )
  const { stdout } = await runHere('audit', 'status', '-h', '127.0.0.1', '-p', `${port}`)
  assert.match(stdout, /^witnesses {3}1 of 2 needed: newest checkpoint cosigned, \d+ records covered$/m)
  assert.match(stdout, /^ {2}near {2}cosigned \d+ records at 20/m)
  assert.match(stdout, /^ {2}far {2}nothing cosigned$/m)
  await witness.process.kill()
  assert.equal(await client.publish('plant/1', 'two'), 0)
  await program.says(/Witness near does not cosign: it cannot be reached/)
  assert.equal(await program.stop(), 0)
  const again = await spawnWitness(t, directory, [vkey])
  await Program.start(t, [...lines.slice(0, -3), `notary_witness near ${again.vkey} ${again.url}`])
  const after = await eventually(
    async () => witnessesOf(await TestAdmin.connect(t, port)),
    (status) => status.met && status.covered >= 3,
  )
  assert.deepEqual(after.cosigned, ['near'])
})

test('a cosignature of a configured witness is taken from any client, and nothing else is', async (t) => {
  const witness = witnessKey('example.com/w1', 2)
  const { broker, port } = await startBroker(t, {
    anonymousAdmin: false,
    witnesses: [{ name: 'w1', vkey: witness.vkey }],
    checkpointIntervalMs: 100,
  })
  const stranger = await TestAdmin.connect(t, port)
  await stranger.refuses('audit.status', {}, 'not-authorized')
  const newest = await eventually(
    () => broker.chain.database.sublevel<string, string>('checkpoint', {}).get('newest'),
    (note) => note !== undefined,
  )
  const { text } = parseSignedNote(newest ?? '')
  const treeSize = Number(text.split('\n')[1])
  const lines = encodeSignatureLines([signatureBy(witness.signer, text)])
  const other = encodeSignatureLines([signatureBy(witnessKey('example.com/w2', 3).signer, text)])
  assert.deepEqual(await stranger.request('audit.cosign', { treeSize, lines: other }), { cosigned: [] })
  await stranger.refuses('audit.cosign', { treeSize: treeSize + 1000, lines }, 'not-found')
  await stranger.refuses('audit.cosign', { treeSize, lines: 'nothing\n' }, 'invalid-params')
  await stranger.refuses('audit.cosign', { treeSize }, 'invalid-params')
  await stranger.refuses('audit.cosign', { treeSize, lines: 'x'.repeat(20_000) }, 'invalid-params')
  await stranger.refuses('audit.cosign', { treeSize, lines, more: 1 }, 'invalid-params')
  assert.deepEqual(await stranger.request('audit.cosign', { treeSize, lines }), { cosigned: ['w1'] })
  assert.deepEqual(await stranger.request('audit.cosign', { treeSize, lines }), { cosigned: [] })
})
