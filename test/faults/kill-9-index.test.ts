import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IndexedChain, publishRecord } from '../helpers/indexed-chain.ts'
import { TestProcess } from '../helpers/processes.ts'
import { programArguments } from '../helpers/program.ts'
import { SeededRandom } from '../helpers/random.ts'
import { copyOfData } from '../helpers/stored-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const program = programArguments('test/faults/index-building-process.ts')
const segmentRecords = 256
const segments = 40

test('kill -9 while the index is being built: the next start goes on where it was, and the answers are those of a scan', async (t) => {
  const location = temporaryDirectory(t)
  const original = await IndexedChain.open(t, { location, segmentRecords })
  const clients = Array.from({ length: segmentRecords }, (_, i) => `device-${i % 7}`)
  for (let i = 0; i < segments; i++) {
    await original.append(clients.map((clientId) => publishRecord(`plant/${i % 9}/${clientId}`, clientId)))
  }
  await original.chain.close()
  const random = new SeededRandom(9)
  for (let round = 0; round < 3; round++) {
    const copy = copyOfData(t, location)
    const args = [...program, copy, `${segmentRecords}`]
    const builder = new TestProcess(t, process.execPath, args)
    const killAt = segments - 1 - random.below(segments - 5)
    await builder.line(new RegExp(`^${killAt}$`))
    await builder.kill()
    const left = Number(builder.lines.at(-1))
    const indexed = await IndexedChain.open(t, { location: copy, segmentRecords })
    assert.ok(indexed.index.backlog <= left && indexed.index.backlog >= left - 1, `${indexed.index.backlog} of ${left}`)
    const params = [{ clientId: 'device-3' }, { topic: 'plant/4/#' }, { topic: '+/+/device-6', order: 'desc' as const }]
    for (const step of ['at once', 'when it is complete']) {
      for (const one of params) {
        const expected = await indexed.found({ ...one, limit: 1000 }, undefined)
        assert.ok(expected.length > 0)
        assert.deepEqual(await indexed.found({ ...one, limit: 1000 }), expected, step)
      }
      await indexed.buildAll()
    }
    assert.equal(indexed.index.backlog, 0)
    assert.deepEqual(indexed.errors, [])
    await indexed.chain.close()
  }
})
