import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Job, Measured } from '../../scripts/bench/jobs.ts'
import type { Peer } from '../../scripts/bench/peers/peer.ts'
import { PeerPool } from '../../scripts/bench/peers/peer-pool.ts'
import type { RowName } from '../../scripts/bench/rows.ts'
import { makePublisherKeys, VariantRunner } from '../../scripts/bench/variant-runner.ts'
import type { RowVariant } from '../../scripts/bench/variants.ts'

interface FakePeer extends Peer {
  number: number
  stopped: boolean
}

/** A pool of brokers that are none, and what became of them. */
function fakePool(directory: string) {
  const started: FakePeer[] = []
  const start = async (own: string): Promise<Peer> => {
    assert.ok(existsSync(own) && readdirSync(own).length === 0)
    const peer: FakePeer = {
      name: 'mosquitto',
      note: '',
      number: started.length,
      port: 1000 + started.length,
      pid: 0,
      stopped: false,
      exited: () => undefined,
      stop: async () => {
        peer.stopped = true
      },
    }
    started.push(peer)
    return peer
  }
  return { started, pool: new PeerPool({ notarymq: start, mosquitto: start, aedes: start }, directory) }
}

const variant = (row: RowName): RowVariant => {
  return { kind: 'row', row, peer: 'mosquitto', size: 400, samples: [], notInstalled: false }
}
const cost = { generatorCpuSeconds: 0, generatorBusy: 0 }
const fine: Measured = { figures: { acked: 1, delivered: 1, exact: 1, wildcard: 1, all: 1, memory: 1 }, cost }

async function withRunner(
  answer: (job: Job, peers: FakePeer[]) => Promise<Measured>,
  use: (runner: VariantRunner, peers: FakePeer[], jobs: Job[]) => Promise<void>,
) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-runner-'))
  try {
    const { pool, started } = fakePool(directory)
    const jobs: Job[] = []
    const run = (job: Job) => {
      jobs.push(job)
      return answer(job, started)
    }
    await use(new VariantRunner({ run }, pool, makePublisherKeys(), directory), started, jobs)
    await pool.stopAll()
    assert.ok(started.every((peer) => peer.stopped))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('after a row without a result the next row gets a new broker process', async () => {
  const answer = async (job: Job) => (job.kind === 'queue' ? { figures: {}, problem: 'lost 1 of 400', cost } : fine)
  await withRunner(answer, async (runner, peers, jobs) => {
    const [clean, drain, fanout] = [variant('clean'), variant('drain'), variant('fanout')]
    await runner.run(clean, true)
    await runner.run(drain, true)
    await runner.run(fanout, true)
    assert.deepEqual([clean.noResult, drain.noResult, fanout.noResult], [undefined, 'lost 1 of 400', undefined])
    assert.deepEqual(
      jobs.map(({ port }) => port),
      [1000, 1000, 1001],
    )
    assert.deepEqual(
      peers.map(({ stopped }) => stopped),
      [true, false],
    )
    assert.equal(fanout.samples.length, 1)
  })
})

test('a broker that died is named as the reason', async () => {
  const answer = async (_: Job, peers: FakePeer[]) => {
    for (const peer of peers) peer.exited = () => 'ended with SIGSEGV'
    throw new Error('connect ECONNREFUSED')
  }
  await withRunner(answer, async (runner) => {
    const clean = variant('clean')
    await runner.run(clean, true)
    assert.equal(clean.noResult, 'the broker ended with SIGSEGV: connect ECONNREFUSED')
  })
})

test('retained topics are set once per broker process, which no other row uses', async () => {
  await withRunner(
    async () => fine,
    async (runner, _, jobs) => {
      const retained = variant('retained')
      for (let round = 0; round < 3; round++) await runner.run(retained, round > 0)
      await runner.run(variant('clean'), true)
      assert.deepEqual(
        jobs.map((job) => job.kind === 'retained' && job.set),
        [true, false, false, false],
      )
      assert.equal(new Set(jobs.slice(0, 3).map(({ runId }) => runId)).size, 1)
      assert.deepEqual(
        jobs.map(({ port }) => port),
        [1000, 1000, 1000, 1001],
      )
      assert.equal(retained.samples.length, 2)
    },
  )
})

test('every round of idle connections has a broker process of its own', async () => {
  await withRunner(
    async () => fine,
    async (runner, peers) => {
      for (let round = 0; round < 2; round++) await runner.run(variant('idle'), true)
      assert.deepEqual(
        peers.map(({ stopped }) => stopped),
        [true, true],
      )
    },
  )
})
