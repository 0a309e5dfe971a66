import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IdleJob, LatencyJob, Measured, QueueJob, RetainedJob } from '../../scripts/bench/jobs.ts'
import { measure } from '../../scripts/bench/measure.ts'
import { type Faults, withFakeBroker } from './fake-broker.ts'

const base = { host: '127.0.0.1', runId: 3, quietMs: 300, deadlineMs: 10_000 }
const queueJob = {
  kind: 'queue',
  ...base,
  topicPrefix: 'bench/queue',
  publishers: 2,
  messagesPerPublisher: 100,
  payloadBytes: 200,
  window: 10,
  batch: 3,
  phase: 'drain',
} as const satisfies Omit<QueueJob, 'port'>
const retainedJob = {
  kind: 'retained',
  ...base,
  topics: 400,
  payloadBytes: 200,
  set: true,
} as const satisfies Omit<RetainedJob, 'port'>
const latencyJob = { kind: 'latency', ...base, messages: 40, payloadBytes: 200 } as const satisfies Omit<
  LatencyJob,
  'port'
>
const idleJob = {
  kind: 'idle',
  ...base,
  connections: 40,
  keepAliveSeconds: 60,
  brokerPid: process.pid,
} as const satisfies Omit<IdleJob, 'port'>

type AnyJob = typeof queueJob | typeof retainedJob | typeof latencyJob | typeof idleJob
function run(faults: Faults, job: AnyJob, rest: Partial<QueueJob> = {}): Promise<Measured> {
  return withFakeBroker(faults, ({ port }) => measure({ ...job, ...rest, port } as Parameters<typeof measure>[0]))
}

test('what was queued is drained, and each half has its own figure', async () => {
  const queueing = await run({}, queueJob, { phase: 'queueing' })
  const drain = await run({}, queueJob)
  assert.deepEqual([queueing.problem, Object.keys(queueing.figures)], [undefined, ['acked']])
  assert.deepEqual([drain.problem, Object.keys(drain.figures)], [undefined, ['delivered']])
  assert.ok(drain.figures.delivered! > 0)
})

const queueFaults: [string, Faults, string][] = [
  ['keeps only the first ten', { resume: (queue) => queue.slice(0, 10) }, 'lost 190 of 200'],
  ['sends one twice', { resume: (queue) => [...queue, queue[3]!] }, 'duplicated 1 of 200'],
  ['lost one that it acknowledged', { resume: (queue) => queue.toSpliced(50, 1) }, 'lost 1 of 200'],
  ['never acknowledged one', { acknowledge: (n, id, send) => n !== 199 && send(id) }, 'not acknowledged 1 of 200'],
]
for (const [what, faults, problem] of queueFaults) {
  for (const phase of ['queueing', 'drain'] as const) {
    test(`a queue that ${what} has no figure, phase ${phase}`, async () => {
      const measured = await run(faults, queueJob, { phase })
      assert.deepEqual([measured.problem, measured.figures], [problem, {}])
    })
  }
}

test('a queue that comes back in another order has no figure', async () => {
  const { problem } = await run({ resume: (queue) => queue.toReversed() }, queueJob, { publishers: 1 })
  assert.equal(problem, 'out of order 99 of 100')
})

test('a broker that did not keep the session has no figure', async () => {
  await assert.rejects(run({ forgetsSessions: true }, queueJob), /did not keep the session/)
})

test('retained messages are found by topic, by wildcard and all together, in a later round too', async () => {
  await withFakeBroker({}, async ({ port }) => {
    for (const set of [true, false]) {
      const { problem, figures } = await measure({ ...retainedJob, port, set })
      assert.equal(problem, undefined)
      assert.deepEqual(Object.keys(figures), ['exact', 'wildcard', 'all'])
      for (const value of Object.values(figures)) assert.ok(value > 0)
    }
  })
})

const retainedFaults: [string, Faults, string][] = [
  ['one topic missing', { losesRetained: (name) => name.endsWith('399') }, 'bench/retained/#: lost 1 of 400'],
  ['the RETAIN flag missing', { retainFlag: false }, 'bench/retained/000002/000010: without the RETAIN flag 1'],
]
for (const [what, faults, problem] of retainedFaults) {
  test(`with ${what} there is no figure for retained messages`, async () => {
    assert.equal((await run(faults, retainedJob)).problem, problem)
  })
}

test('latency has a median and a 99th percentile for the acknowledgement and for the delivery', async () => {
  const { problem, figures } = await run({}, latencyJob)
  assert.equal(problem, undefined)
  assert.deepEqual(Object.keys(figures), ['ackP50', 'ackP99', 'deliveryP50', 'deliveryP99'])
  assert.ok(figures.ackP50! > 0 && figures.ackP50! <= figures.ackP99!)
  assert.ok(figures.deliveryP50! > 0 && figures.deliveryP50! <= figures.deliveryP99!)
})

test('one message that is not delivered ends the latency row, without a figure', async () => {
  const { problem } = await run({ deliver: (n, message, send) => n !== 20 && send(message) }, latencyJob)
  assert.equal(problem, 'lost 20 of 40, not acknowledged 19 of 40')
})

test('a message delivered twice leaves the latency row without a figure', async () => {
  const deliver: Faults['deliver'] = (n, message, send) => {
    send(message)
    if (n === 39) send(message)
  }
  assert.equal((await run({ deliver }, latencyJob)).problem, 'duplicated 1 of 40')
})

test('idle connections have one figure, the growth of the process named', async () => {
  const { problem, figures } = await run({}, idleJob)
  assert.equal(problem, undefined)
  assert.ok(Number.isFinite(figures.memory))
})

test('a broker that closes idle connections has no figure', async () => {
  const { problem } = await run({ dropsConnectionsAfterMs: 100 }, idleJob)
  assert.match(problem ?? '', /^40 connections closed, the first: /)
})

for (const beyond of ['close', 'silence'] as const) {
  test(`a broker that takes only some of the idle connections has no figure, and nobody waits for it: ${beyond}`, async () => {
    const limited = run({ connectLimit: { connections: 15, beyond } }, idleJob)
    await assert.rejects(limited, /^Error: after 1[05] connections: /)
  })
}
