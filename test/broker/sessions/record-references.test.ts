import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { recordReferences } from '../../../broker/sessions/record-references.ts'
import { type RecordReference, TileTable, verifyStore } from '../../../plugins/index.ts'
import { TestSessions } from '../../helpers/test-sessions.ts'

/** Two messages in the queue of a client that is away, one of them retained, and a retained one that nobody waits for. */
async function withReferences(t: TestContext): Promise<TestSessions> {
  const sessions = await TestSessions.open(t)
  const { session, link } = await sessions.connect('press-7')
  await sessions.subscribe(session, 'plant/#')
  sessions.drop(session, link)
  await sessions.settled()
  sessions.publish({ topic: 'plant/1', payload: 'a' })
  sessions.publish({ topic: 'plant/2', payload: 'b', retain: true })
  sessions.publish({ topic: 'other', payload: 'c', retain: true })
  await sessions.settled()
  return sessions
}

async function referencesOf({ chain }: TestSessions): Promise<RecordReference[]> {
  const found: RecordReference[] = []
  for await (const reference of recordReferences(chain.database)) found.push(reference)
  return found.sort((a, b) => a.index - b.index || (a.place < b.place ? -1 : 1))
}

const verify = ({ chain }: TestSessions) =>
  verifyStore({
    store: chain.store,
    tiles: new TileTable(chain.database),
    references: () => recordReferences(chain.database),
  })

test('queued messages and retained ones refer to their records, with the place where they do', async (t) => {
  const sessions = await withReferences(t)
  assert.deepEqual(await referencesOf(sessions), [
    { index: 1, place: 'queue of press-7' },
    { index: 2, place: 'queue of press-7' },
    { index: 2, place: 'retained message of plant/2' },
    { index: 3, place: 'retained message of other' },
  ])
  assert.equal((await verify(sessions)).ok, true)
})

test('what cannot be read there is found by a verification as a reference to no message', async (t) => {
  for (const part of ['queues', 'retained'] as const) {
    const sessions = await withReferences(t)
    const sublevel = sessions.sessions.store.sublevels[part]
    const [key] = await sublevel.keys().all()
    assert.ok(key !== undefined)
    await sublevel.put(key, Uint8Array.of(0xff))
    const { ok, firstBad } = await verify(sessions)
    const place = part === 'queues' ? 'queue of press-7' : 'retained message of other'
    assert.deepEqual([ok, firstBad], [false, { cause: 'reference-dangling', block: 0, index: 0, place }])
  }
})
