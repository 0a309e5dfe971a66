import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { storedCheckpoint } from '../../plugins/checkpoints/index.ts'
import { AnchorFile, openStoreDatabase } from '../../plugins/index.ts'
import { parseCheckpointText, parseSignedNote } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { contentOf } from '../helpers/anchored-chain.ts'
import { startBroker } from '../helpers/broker.ts'
import { runCli, TestProcess } from '../helpers/processes.ts'
import { programArguments } from '../helpers/program.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { assertVerifies } from './ledger.ts'

// A checkpoint is stored, then anchored, then published. Whatever step the broker dies at, what others may have seen is in
// the anchor, and what is in the anchor is in the store.

const program = programArguments('test/faults/checkpoint-step-process.ts')
const sizeOf = (note: string) => Number(parseCheckpointText(parseSignedNote(note).text).treeSize)

async function storedSize(location: string): Promise<number> {
  const database = await openStoreDatabase(location, false)
  const stored = await storedCheckpoint(database)
  await database.close()
  return sizeOf(stored?.note ?? assert.fail('no checkpoint is stored'))
}

for (const dies of ['before', 'after'] as const) {
  test(`killed just ${dies} it anchored a checkpoint, a broker verifies, starts and anchors`, async (t) => {
    const location = join(temporaryDirectory(t), 'data')
    const anchor = temporaryDirectory(t)
    const options = { location, anchors: [anchor], checkpointIntervalMs: 100 }
    // The answer says that there is a checkpoint, and so an anchor.
    const first = await startBroker(t, options)
    const before = await TestAdmin.connect(t, first.port)
    await before.client.publish('plant/1', 'one')
    await before.request('audit.receipt', { index: 1 })
    await first.broker.close()
    const file = new AnchorFile(anchor)
    const anchoredBefore = sizeOf(contentOf(file).note)

    const args = [...program, dies, location, anchor]
    assert.equal((await new TestProcess(t, process.execPath, args).ended).code, 'SIGKILL')
    const stored = await storedSize(location)
    assert.ok(stored > anchoredBefore)
    const anchored = dies === 'after' ? stored : anchoredBefore
    assert.equal(sizeOf(contentOf(file).note), anchored)
    await assertVerifies(location)

    const again = await startBroker(t, options)
    assert.ok(sizeOf(contentOf(file).note) >= stored, 'what was stored is anchored by the start')
    const admin = await TestAdmin.connect(t, again.port)
    const { checkpoint } = await admin.request('audit.status', {})
    assert.ok(sizeOf(checkpoint ?? '') >= stored)
    await again.broker.close()
    const recovered = await runCli(t, ['audit', 'recover', '--db', location, '--anchor', anchor])
    assert.equal(recovered.code, 0, recovered.stdout)
  })
}
