import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { restoreChain } from '../../../plugins/audit-chain/replay.ts'
import {
  AuditChain,
  type CommitParticipant,
  KeyRegistry,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  type StoreDatabase,
  type StoreOperation,
  verifyStore,
} from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { diskFailure, FailingStore, type FaultPlan, outcomes } from '../../helpers/failing-store.ts'
import { keyMeriadoc } from '../../helpers/keys.ts'
import { genesisDecision, publishDecision, sequencerOn, submission, turns } from '../../helpers/sequencing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const putOf = (key: string): StoreOperation => ({ type: 'put', key: Buffer.from(key), value: Buffer.from(key) })

/** A sequencer on a real store, one of whose writes fails. */
async function faulty(t: TestContext, plan: FaultPlan) {
  const location = temporaryDirectory(t)
  const database = await openStoreDatabase(location)
  atEnd(t, () => database.close())
  const store = new FailingStore(database, plan)
  return { location, database, store, ...sequencerOn(store) }
}

/** Waits until something is so; it happens within a second or so. */
async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isSo(); i++) await wait(10)
  assert.ok(isSo())
}

/** What is in the store after closing it and opening it again, as the next start does; all of it verified. */
async function reopened(t: TestContext, location: string, database: StoreDatabase) {
  await database.close()
  const again = await openStoreDatabase(location, false)
  atEnd(t, () => again.close())
  const { ok, checked } = await verifyStore({ store: new LevelAuditStore(again), brokerKey: keyMeriadoc })
  assert.equal(ok, true)
  return { database: again, records: checked }
}

for (const outcome of outcomes) {
  for (const failingWrite of [1, 2, 3]) {
    for (const kind of ['with a record', 'without one'] as const) {
      if (failingWrite === 1 && kind === 'without one') continue // A chain begins with a record.
      test(`write ${failingWrite}, ${kind}, fails (${outcome}): it is settled once when the store takes writes again`, async (t) => {
        const order: string[] = []
        const seen: unknown[] = []
        const { location, database, store, sequencer, blocks, failures, outages } = await faulty(t, {
          failingWrite,
          outcome,
          whileClosed: async () => {
            seen.push(order.length, sequencer.outage?.code, sequencer.outage?.cause, outages.length)
          },
        })
        const put = (name: string) => ({ also: [putOf(name)] })
        for (let i = 1; i <= 3; i++) {
          const decision = (timeMs: number) => {
            if (i === failingWrite && kind === 'without one') return put(`${i}`)
            return { ...(i === 1 ? genesisDecision(timeMs) : publishDecision(`${i}`)(timeMs)), ...put(`${i}`) }
          }
          sequencer.submit(submission(`${i}`, decision, order))
          if (i === failingWrite) {
            await turns()
            sequencer.submit(submission('during', publishDecision('during'), order))
            store.release()
          }
          await until(() => order.includes(`${i}`))
        }
        await until(() => order.length === 4)
        await sequencer.drained()
        assert.deepEqual(
          seen,
          [failingWrite - 1, 'ERR_STORE_FAILED', diskFailure, 1],
          'what may be written or not is not settled',
        )
        const before = ['1', '2', '3'].slice(0, failingWrite)
        assert.deepEqual(order, [...before, 'during', ...['1', '2', '3'].slice(failingWrite)])
        assert.deepEqual([store.reopens, failures, outages, sequencer.outage], [1, [], [], undefined])
        const records = kind === 'with a record' ? 4 : 3
        assert.equal(
          blocks.reduce((sum, { header }) => sum + header.count, 0),
          records,
          'told of every block once',
        )

        const again = await reopened(t, location, database)
        assert.equal(again.records, records)
        for (const key of ['1', '2', '3']) assert.ok(await again.database.get(Buffer.from(key)), `${key} is there`)
        const { state } = await restoreChain({
          store: new LevelAuditStore(again.database),
          crypto: nativeCrypto,
          registry: new KeyRegistry(nativeCrypto),
          brokerKeys: [keyMeriadoc],
          head: blocks.at(-1)?.signed,
        })
        assert.equal(state.frontier.size, records)
      })
    }
  }

  test(`what takes part in commits is asked once for each, also when its write fails (${outcome})`, async (t) => {
    const { database, store, sequencer, outages } = await faulty(t, { failingWrite: 2, outcome })
    const told: string[] = []
    let commits = 0
    const participant: CommitParticipant = {
      operations: () => {
        told.push(`operations ${++commits}`)
        return [putOf(`commit ${commits}`)]
      },
      settled: () => told.push('settled'),
    }
    sequencer.join(participant)
    sequencer.submit(submission('genesis', genesisDecision))
    await sequencer.drained()
    sequencer.submit(submission('nothing', undefined))
    await turns()
    store.release()
    await until(() => outages.length === 0 && told.length === 4)
    assert.deepEqual(told, ['operations 1', 'settled', 'operations 2', 'settled'])
    assert.ok(await database.get(Buffer.from('commit 2')))
  })

  test(`a store that cannot be opened twice is opened the third time (${outcome})`, async (t) => {
    const { location, database, store, sequencer, outages } = await faulty(t, {
      failingWrite: 2,
      outcome,
      failingReopens: 2,
    })
    const order: string[] = []
    sequencer.submit(submission('genesis', genesisDecision, order))
    await sequencer.drained()
    sequencer.submit(submission('a', publishDecision('a'), order))
    store.release()
    await until(() => outages.length === 3)
    assert.deepEqual(order, ['genesis'], 'every attempt is told of, and nothing is settled')
    for (const { code, cause } of outages) assert.deepEqual([code, cause], ['ERR_STORE_FAILED', diskFailure])
    await until(() => order.length === 2)
    assert.deepEqual([store.reopens, outages], [3, []])
    await sequencer.drained()
    assert.equal((await reopened(t, location, database)).records, 2)
  })

  test(`a chain that somebody else wrote to meanwhile is damaged: nothing is settled any more (${outcome})`, async (t) => {
    const { store, sequencer, failures } = await faulty(t, {
      failingWrite: 2,
      outcome,
      whileClosed: (database) => {
        const meta = database.sublevel<Uint8Array, Uint8Array>('chain-meta', {
          keyEncoding: 'view',
          valueEncoding: 'view',
        })
        return meta.put(Buffer.from('state'), Buffer.from('of somebody else'))
      },
    })
    const order: string[] = []
    sequencer.submit(submission('genesis', genesisDecision, order))
    await sequencer.drained()
    sequencer.submit(submission('a', publishDecision('a'), order))
    store.release()
    await sequencer.drained()
    assert.deepEqual(
      failures.map(({ code }) => code),
      ['ERR_CHAIN_DAMAGED'],
    )
    assert.equal(sequencer.outage?.code, 'ERR_CHAIN_DAMAGED')
    const late = submission('late', publishDecision('late'), order)
    assert.throws(() => sequencer.submit(late), { code: 'ERR_CHAIN_DAMAGED' })
    await turns()
    assert.deepEqual(order, ['genesis'])
  })

  test(`a chain is closed during an outage without waiting for its end; the next start finds out what is there (${outcome})`, async (t) => {
    const location = temporaryDirectory(t)
    const outages: unknown[] = []
    const chain = await AuditChain.open({ location, onOutage: (error) => outages.push(error) })
    const { database } = chain
    const batch = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
    let attempts = 0
    const failing = async (...args: unknown[]) => {
      if (outcome === 'stored but reported failed' || attempts++ > 0) await batch(...args)
      throw diskFailure
    }
    Object.assign(database, { batch: failing, open: () => Promise.reject(diskFailure) })
    const order: string[] = []
    chain.submit(submission('a', publishDecision('a'), order))
    await until(() => outages.length > 0)
    chain.submit(submission('b', publishDecision('b'), order))
    await chain.close()
    assert.deepEqual(order, [])
    assert.equal((await chain.failed).code, 'ERR_STORE_FAILED')
    assert.throws(() => chain.submit(submission('c', publishDecision('c'), order)), { code: 'ERR_CHAIN_CLOSED' })
    const again = await AuditChain.open({ location })
    assert.equal(again.state.frontier.size, outcome === 'stored but reported failed' ? 2 : 1)
    await again.close()
  })
}

test('a chain that is closed while its store is being opened again stays closed', async (t) => {
  const location = temporaryDirectory(t)
  let outages = 0
  const chain = await AuditChain.open({ location, onOutage: () => outages++ })
  const { database } = chain
  Object.assign(database, { batch: () => Promise.reject(diskFailure) })
  chain.submit(submission('a', publishDecision('a')))
  for (let i = 0; i < 50 && outages === 0; i++) await Promise.resolve().then(() => turns())
  assert.ok(outages > 0)
  await chain.close()
  await wait(300)
  assert.equal(database.status, 'closed')
  const again = await AuditChain.open({ location })
  await again.close()
})
