import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runChain } from '../../scripts/bench/run-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const base = { host: '127.0.0.1', port: 0, runId: 1, quietMs: 300, deadlineMs: 60_000, records: 300, perCommit: 30 }

for (const [kind, names] of [
  ['append', ['recorded']],
  ['verify', ['hashed', 'verified']],
] as const) {
  test(`the row ${kind} fills chains of its own and has a rate for ${names.join(' and ')}`, async (t) => {
    const { figures, problem } = await runChain({ kind, ...base, directory: temporaryDirectory(t) })
    assert.equal(problem, undefined)
    assert.deepEqual(Object.keys(figures), names)
    for (const rate of Object.values(figures)) assert.ok(rate > 0 && Number.isFinite(rate))
  })
}

test('a process that is not done in time ends the row with an error, without a figure', async (t) => {
  const job = {
    kind: 'append',
    ...base,
    records: 100_000_000,
    deadlineMs: 2000,
    directory: temporaryDirectory(t),
  } as const
  await assert.rejects(runChain(job), /the process gave no figures, exit null/)
})
