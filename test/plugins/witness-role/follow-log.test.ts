import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { cosignPublished } from '../../../plugins/index.ts'
import { forkedLog, growingLog, type TestLog } from '../../helpers/test-log.ts'
import { startWitness, type TestWitness } from '../../helpers/witnessing.ts'

const log = growingLog('example.com/log', 30)
const fork = forkedLog('example.com/log', 30, 4)

/** What the witness asked of a log, and what it gave it. */
async function setUp(t: TestContext) {
  const scene = await startWitness(t, [log.key.verifier])
  const asked: string[] = []
  const taken: number[] = []
  const publish = (published: TestLog, treeSize: number) => {
    const note = published.checkpoint(treeSize)
    return cosignPublished(scene.witness, Buffer.from(note), {
      consistencyPath: async (from, to) => {
        asked.push(`${from} ${to}`)
        return published.tree.consistency(from, to)
      },
      takeCosignature: async (size, lines) => {
        assert.equal(scene.verified(lines, note).length, 1)
        taken.push(size)
      },
    })
  }
  return { scene, asked, taken, publish }
}

const lastSize = ({ witness }: TestWitness) => witness.lastSize('example.com/log')

test('a published checkpoint is cosigned with a proof from the last one, and the cosignature given to the log', async (t) => {
  const { scene, asked, taken, publish } = await setUp(t)
  for (const size of [5, 5, 9, 30]) assert.equal(await publish(log, size), undefined)
  assert.deepEqual(asked, ['5 9', '9 30'])
  assert.deepEqual(taken, [5, 5, 9, 30])
  assert.equal(await lastSize(scene), 30n)
})

test('an older checkpoint, one of a fork and one of another log are not cosigned, and nothing is given to anybody', async (t) => {
  const { scene, taken, publish } = await setUp(t)
  await publish(log, 9)
  for (const [published, size] of [
    [log, 5],
    [fork, 9],
    [fork, 20],
    [growingLog('example.com/other', 30), 20],
    [growingLog('example.com/log', 30, 8), 20],
  ] as const) {
    assert.match((await publish(published, size)) ?? '', /./)
  }
  assert.deepEqual(taken, [9])
  assert.equal(await lastSize(scene), 9n)
})

test('what is no checkpoint, or too large to ask about, is refused without asking', async (t) => {
  const { scene, asked } = await setUp(t)
  const other = {
    consistencyPath: () => assert.fail('asked'),
    takeCosignature: () => assert.fail('given'),
  }
  const large = `example.com/log\n18446744073709551615\n${'A'.repeat(43)}=\n\n\u2014 example.com/log AAAAAAA=\n`
  for (const note of ['', 'no note', 'text\n\n\u2014 example.com/log AAAAAAA=\n', large]) {
    assert.match((await cosignPublished(scene.witness, Buffer.from(note), other)) ?? '', /./)
  }
  assert.deepEqual(asked, [])
})
