import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AuditChain,
  LevelAuditStore,
  openStoreDatabase,
  type StoreDatabase,
  storeSublevel,
  verifyStore,
} from '../../../plugins/index.ts'
import { decodeBlock } from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { FailingStore, type FaultPlan, outcomes } from '../../helpers/failing-store.ts'
import { keyMeriadoc } from '../../helpers/keys.ts'
import {
  GatedStore,
  genesisDecision,
  publishDecision,
  sequencerOn,
  submission,
  turns,
  type Witness,
} from '../../helpers/sequencing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { until } from '../../helpers/test-sessions.ts'

// While one group is being written the next one decides and its block is built, when there is enough for one.

const enough = 32

function publishes(name: string, count: number, order: string[] = []): Witness[] {
  return Array.from({ length: count }, (_, i) => submission(`${name} ${i}`, publishDecision(`${name} ${i}`), order))
}

const areDecided = (witnesses: readonly Witness[]) => witnesses.every(({ index }) => index !== undefined)

/** A chain with a genesis and a group of so many records that is being written. */
async function writing(count: number) {
  const store = new GatedStore()
  const made = sequencerOn(store)
  const { sequencer } = made
  sequencer.submit(submission('genesis', genesisDecision))
  await turns()
  await store.letOneEnd()
  const order: string[] = []
  for (const one of publishes('first', count, order)) sequencer.submit(one)
  await turns()
  assert.equal(store.running, 1)
  return { store, order, ...made }
}

const countsOf = (store: GatedStore) => store.written.map(({ encoded }) => decodeBlock(encoded).entries.length)

test('what waits decides while a group is being written, is written behind it and settled behind it', async () => {
  const { store, sequencer, order, blocks } = await writing(3)
  const [second, third] = [publishes('second', enough, order), publishes('third', 5, order)]
  for (const one of second) sequencer.submit(one)
  await turns()
  assert.deepEqual(
    second.map(({ index }) => index),
    second.map((_, i) => 4 + i),
  )
  assert.deepEqual([store.running, store.written.length, order, blocks.length], [1, 1, [], 1])
  assert.equal(sequencer.state.frontier.size, 1, 'nothing of it is durable')
  for (const one of third) sequencer.submit(one)
  await turns()
  assert.ok(!third.some(({ index }) => index !== undefined), 'one group ahead, and no more')
  await store.letOneEnd()
  assert.deepEqual(order, ['first 0', 'first 1', 'first 2'])
  await store.letOneEnd()
  await store.letOneEnd()
  assert.deepEqual(countsOf(store), [1, 3, enough, 5])
  assert.equal(order.length, 3 + enough + 5)
  assert.deepEqual(order.slice(3, 4), ['second 0'])
  assert.equal((await verifyStore({ store, brokerKey: keyMeriadoc })).ok, true)
})

for (const [count, waiting] of [
  [1, enough - 1],
  [enough + 8, enough + 7],
] as const) {
  test(`behind ${count} that are being written ${waiting} more wait for others to share their block, one more do not`, async () => {
    const { store, sequencer } = await writing(count)
    const others = publishes('other', waiting)
    for (const one of others) sequencer.submit(one)
    await turns()
    assert.ok(!others.some(({ index }) => index !== undefined))
    const last = submission('last', publishDecision('last'))
    sequencer.submit(last)
    await turns()
    assert.ok(areDecided([...others, last]))
    store.open()
    await sequencer.drained()
    assert.deepEqual(countsOf(store), [1, count, waiting + 1])
  })
}

test('what has decided and is not being written yet counts as waiting', async () => {
  const { sequencer, store } = await writing(1)
  for (const one of publishes('next', enough)) sequencer.submit({ ...one, decide: one.decide, bytes: 10 })
  await turns()
  assert.equal(sequencer.pendingBytes, 10 * enough)
  await store.letOneEnd()
  assert.equal(sequencer.pendingBytes, 0)
})

test('a block is told as built when its group has decided and nothing behind it, whichever is being written', async () => {
  const told: string[] = []
  const store = new GatedStore()
  const { sequencer } = sequencerOn(store, { onBuilt: () => told.push('built') })
  sequencer.submit(submission('genesis', genesisDecision))
  await turns()
  for (const name of ['a', 'b']) {
    for (let i = 0; i < enough; i++) {
      const decide = (timeMs: number) => {
        told.push(name)
        return publishDecision(name)(timeMs)
      }
      sequencer.submit(submission(name, decide))
    }
    await turns()
    if (name === 'a') await store.letOneEnd()
  }
  const as = Array.from({ length: enough }, () => 'a')
  const bs = Array.from({ length: enough }, () => 'b')
  assert.deepEqual(told, ['built', ...as, 'built', ...bs, 'built'])
})

test('a group that decided ahead and writes nothing keeps its place among the settlements', async () => {
  const { store, sequencer, order } = await writing(1)
  const refused = Array.from({ length: enough }, (_, i) => submission(`refused ${i}`, undefined, order))
  for (const one of refused) sequencer.submit(one)
  await turns()
  assert.ok(areDecided(refused))
  assert.deepEqual(order, [])
  await store.letOneEnd()
  assert.deepEqual(order, ['first 0', ...refused.map((_, i) => `refused ${i}`)])
  assert.deepEqual(countsOf(store), [1, 1])
})

/** A sequencer on a real store, one of whose writes fails. */
async function faulty(t: TestContext, plan: FaultPlan) {
  const location = temporaryDirectory(t)
  const database = await openStoreDatabase(location)
  atEnd(t, () => database.close())
  const store = new FailingStore(database, plan)
  const made = sequencerOn(store)
  made.sequencer.submit(submission('genesis', genesisDecision))
  await made.sequencer.drained()
  return { location, database, store, ...made }
}

async function verified(database: StoreDatabase): Promise<number> {
  const { ok, checked } = await verifyStore({ store: new LevelAuditStore(database), brokerKey: keyMeriadoc })
  assert.equal(ok, true)
  return checked
}

for (const outcome of outcomes) {
  for (const failingWrite of [2, 3]) {
    const which = failingWrite === 2 ? 'before' : 'of'
    test(`the write ${which} the block that was built ahead fails (${outcome}): both are written once, in order`, async (t) => {
      const { database, store, sequencer, blocks, outages, failures } = await faulty(t, { failingWrite, outcome })
      const order: string[] = []
      sequencer.submit(submission('first', publishDecision('first'), order))
      const next = publishes('next', enough, order)
      setImmediate(() =>
        setImmediate(() => {
          for (const one of next) sequencer.submit(one)
        }),
      )
      if (failingWrite === 2) {
        await until(() => areDecided(next))
        assert.deepEqual([order, blocks.length], [[], 1])
      }
      store.release()
      await until(() => order.length === 1 + enough)
      await sequencer.drained()
      assert.deepEqual(order, ['first', ...next.map((_, i) => `next ${i}`)])
      assert.deepEqual([store.reopens, outages, failures, blocks.length], [1, [], [], 3])
      assert.equal(await verified(database), 2 + enough)
    })
  }

  test(`what decided ahead is never settled when the chain is given up (${outcome})`, async (t) => {
    const plan = { failingWrite: 2, outcome, failingReopens: 1000 }
    const { location, database, store, sequencer, blocks, outages, failures } = await faulty(t, plan)
    const order: string[] = []
    sequencer.submit(submission('first', publishDecision('first'), order))
    await turns()
    const next = publishes('next', enough, order)
    for (const one of next) sequencer.submit(one)
    await until(() => areDecided(next))
    store.release()
    await until(() => outages.length > 1)
    await sequencer.drained()
    const { reopens } = store
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.ok(store.reopens <= reopens + 1, 'it is not tried for ever')
    assert.deepEqual(
      [order, blocks.length, sequencer.pendingBytes],
      [[], 1, 0],
      'nor is a block told that may not be there',
    )
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['ERR_STORE_FAILED'],
    )
    await database.close()
    const again = await openStoreDatabase(location, false)
    atEnd(t, () => again.close())
    assert.equal(await verified(again), outcome === 'not stored' ? 1 : 2)
  })
}

test('when the chain ends neither before nor after the write that failed, what decided ahead is not written', async (t) => {
  const { database, store, sequencer, failures } = await faulty(t, {
    failingWrite: 2,
    outcome: 'not stored',
    whileClosed: (closed) =>
      storeSublevel(closed, 'chain-meta').put(Buffer.from('state'), Buffer.from('of somebody else')),
  })
  const order: string[] = []
  sequencer.submit(submission('first', publishDecision('first'), order))
  await turns()
  const next = publishes('next', enough, order)
  for (const one of next) sequencer.submit(one)
  await until(() => areDecided(next))
  store.release()
  await sequencer.drained()
  await turns()
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['ERR_CHAIN_DAMAGED'],
  )
  assert.deepEqual(order, [])
  assert.equal((await new LevelAuditStore(database).blocksAt(0, 10, 1e6)).length, 1)
})

test('a chain that is closed with a block built ahead writes it, and the next start goes on behind it', async (t) => {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location })
  const batch = chain.database.batch.bind(chain.database) as (...args: unknown[]) => Promise<void>
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  Object.assign(chain.database, { batch: (...args: unknown[]) => released.then(() => batch(...args)) })
  const order: string[] = []
  chain.submit(submission('first', publishDecision('first'), order))
  await turns()
  const next = publishes('next', enough, order)
  for (const one of next) chain.submit(one)
  await turns()
  assert.ok(areDecided(next))
  const closed = chain.close()
  release()
  await closed
  assert.equal(order.length, 1 + enough)
  const again = await AuditChain.open({ location })
  atEnd(t, () => again.close())
  assert.deepEqual([again.nextIndex, again.state.height], [2 + enough, 3])
})
