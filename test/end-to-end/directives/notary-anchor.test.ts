import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AnchorFile } from '../../../plugins/index.ts'
import { alarmTopic } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { contentOf, putBack } from '../../helpers/anchored-chain.ts'
import { freePort } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { copyOfData } from '../../helpers/stored-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, eventually, openBroker, Program } from './support.ts'

test('notary_anchor: a data directory that was put back does not start against it, one that goes on does', async (t) => {
  covers('notary_anchor')
  const location = join(temporaryDirectory(t), 'data')
  const [port, one, two] = [await freePort(), temporaryDirectory(t), join(temporaryDirectory(t), 'second')]
  const lines = [`persistence_location ${location}`, `listener ${port} 127.0.0.1`, 'allow_anonymous true']
  const anchored = [...lines, `notary_anchor ${one}`, `notary_anchor ${two}`]
  const publishOnce = async () => {
    const program = await Program.start(t, anchored)
    const client = await TestClient.connect(t, port)
    assert.equal(await client.publish('plant/1', 'open'), 0)
    assert.equal(await program.stop(), 0)
  }
  await publishOnce()
  const earlier = copyOfData(t, location)
  await publishOnce()
  putBack(earlier, location)
  for (const path of [one, two]) {
    const program = new Program(t, [...lines, `notary_anchor ${path}`])
    assert.equal(await program.ended, 1)
    assert.match(program.stderr, /ERR_CHAIN_ROLLED_BACK: .* 1 from record 2 on are missing/)
    assert.match(program.stderr, /audit recover/)
  }
  // Nothing else in the directory knows of it.
  assert.equal(await (await Program.start(t, lines)).stop(), 0)
})

test('an anchor that cannot be written raises the alarm; publishes are accepted, and checkpoints follow when it can', async (t) => {
  const directory = temporaryDirectory(t)
  const { port, program } = await openBroker(t, ['notary_admin anonymous', `notary_anchor ${directory}`])
  const { client } = await TestAdmin.connect(t, port)
  assert.equal(await client.subscribe(alarmTopic, 0), 0)
  const file = new AnchorFile(directory)
  const sizeOf = () => (existsSync(file.path) ? Number(contentOf(file).note.split('\n')[1]) : 0)
  assert.equal(await client.publish('plant/1', 'open'), 0)
  await eventually(sizeOf, (size) => size === 2)
  rmSync(file.path)
  mkdirSync(file.path)
  assert.equal(await client.publish('plant/1', 'shut'), 0)
  const [alarm] = await client.waitFor(1, ({ topic }) => topic === alarmTopic)
  assert.deepEqual(JSON.parse(`${alarm?.payload}`), { kind: 'anchor-failed', anchor: directory })
  assert.equal(await client.publish('plant/1', 'open'), 0)
  rmSync(file.path, { recursive: true })
  await program.says(/is written again/)
  assert.equal(program.count(/ERR_ANCHOR_WRITE_FAILED/), 1)
  await eventually(sizeOf, (size) => size === 4)
})
