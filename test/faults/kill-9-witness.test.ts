import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { TestProcess } from '../helpers/processes.ts'
import { programArguments } from '../helpers/program.ts'
import { SeededRandom } from '../helpers/random.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { forkedLog, growingLog } from '../helpers/test-log.ts'
import { cosignaturesOf, spawnWitness, verifierOf } from '../helpers/witnessing.ts'

const origin = 'example.com/log'
const log = growingLog(origin, 300)
const program = programArguments('test/faults/witness-process.ts')
const rounds = Number(process.env.NOTARYMQ_KILL_ROUNDS ?? 3)

async function dyingWitness(t: TestContext, directory: string, dies: 'before' | 'after'): Promise<string> {
  const args = [...program, directory, log.key.vkey, dies]
  return new TestProcess(t, process.execPath, args).line(/^http/)
}

const post = (url: string, body: string) => fetch(`${url}/add-checkpoint`, { method: 'POST', body })

for (const [dies, stored] of [
  ['before', 5],
  ['after', 9],
] as const) {
  test(`killed just ${dies} it stored a checkpoint, a witness has answered nothing and goes on from size ${stored}`, async (t) => {
    const directory = temporaryDirectory(t)
    const first = await spawnWitness(t, directory, [log.key.vkey])
    assert.equal((await first.post(log.request(0, 5))).status, 200)
    await first.process.kill()
    await assert.rejects(post(await dyingWitness(t, directory, dies), log.request(5, 9)))
    const { post: postAgain } = await spawnWitness(t, directory, [log.key.vkey])
    // A tree that forks below what was stored: whatever old size it names, it is not cosigned.
    const fork = forkedLog(origin, 20, 4)
    assert.deepEqual(await postAgain(fork.request(0, 12)), { status: 409, body: `${stored}\n` })
    assert.equal((await postAgain(fork.request(stored, 12))).status, 422)
    assert.equal((await postAgain(log.request(stored, 12))).status, 200)
  })
}

test('killed at any moment, a witness never goes back behind what it answered', async (t) => {
  const random = new SeededRandom(6)
  const directory = temporaryDirectory(t)
  let cosigned = 0
  let tried = 0
  for (let round = 0; round < rounds; round++) {
    const witness = await spawnWitness(t, directory, [log.key.vkey])
    const verifier = verifierOf(witness.vkey)
    const isAlive = async () => {
      const conflict = await witness.post(log.request(0, 1)).catch(() => undefined)
      if (conflict === undefined) return false
      // Nothing was cosigned yet, or the size that was: none below an answer, none that was not asked for.
      const size = conflict.status === 200 ? 1 : Number(conflict.body)
      assert.ok(size >= cosigned && size <= Math.max(1, tried), `${cosigned} <= ${size} <= ${tried}`)
      cosigned = size
      return true
    }
    // Something is cosigned before the first of the kills.
    assert.ok(await isAlive())
    const killed = wait(20 + random.below(100)).then(() => witness.process.kill())
    while ((await isAlive()) && cosigned < 299) {
      tried = cosigned + 1
      const answer = await witness.post(log.request(cosigned, tried)).catch(() => undefined)
      if (answer === undefined) break
      assert.equal(answer.status, 200)
      assert.equal(cosignaturesOf(answer.body, log.checkpoint(tried), verifier).length, 1)
      cosigned = tried
    }
    await killed
  }
  assert.ok(cosigned > 0)
})
