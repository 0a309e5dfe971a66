import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyExport } from '../../../plugins/index.ts'
import { freePort } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, eventually, Program } from './support.ts'

test('notary_export keeps an export that grows with the chain and is whole after the end; notary_http_log serves the log', async (t) => {
  covers('notary_export', 'notary_http_log')
  const [port, http] = [await freePort(), await freePort()]
  const [location, parent] = [temporaryDirectory(t), temporaryDirectory(t)]
  const directory = join(parent, 'export')
  const program = await Program.start(t, [
    `persistence_location ${location}`,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `notary_export ${directory} 1`,
    `notary_http_log ${http} 127.0.0.1`,
  ])
  const sizeOf = (note: string) => Number(note.split('\n')[1])
  const exported = () => {
    const path = join(directory, 'checkpoint')
    return existsSync(path) ? sizeOf(readFileSync(path, 'utf8')) : 0
  }
  const client = await TestClient.connect(t, port)
  await client.publish('plant/1', 'first')
  await eventually(
    async () => exported(),
    (size) => size >= 2,
  )
  await client.publish('plant/1', 'second')
  await eventually(
    async () => exported(),
    (size) => size >= 3,
  )
  await eventually(
    async () => sizeOf(await (await fetch(`http://127.0.0.1:${http}/checkpoint`)).text()),
    (size) => size >= 3,
  )
  // The last one is made in the moment of the end.
  await client.publish('plant/1', 'third')
  assert.equal(await program.stop(), 0)
  const vkeys = [readFileSync(join(location, 'keys', 'log.vkey'), 'utf8').trim()]
  const { ok, checked } = await verifyExport({ directory, vkeys })
  assert.deepEqual({ ok, checked }, { ok: true, checked: 4 })
})
