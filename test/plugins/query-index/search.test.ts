import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { briskPace, type QueryIndex } from '../../../plugins/index.ts'
import type { RecordOwner } from '../../../plugins/query-index/index.ts'
import {
  type AuditQueryParams,
  type ChainRecord,
  configRecord,
  toBase64url,
  topicMatchesFilter,
} from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { IndexedChain, publishRecord, roomy, type UntimedRecord } from '../../helpers/indexed-chain.ts'

const long = 'x'.repeat(150)
const topics = ['plant/1/temp', 'plant/2/temp', 'plant', 'plant/1', 'plänt/1', '$plant/1', `${long}/1`, `${long}/2`]
const filters = [...topics, '#', 'plant/#', 'plant/+/temp', '+/1', '+', '$plant/#', `${long}/#`, `${long}/+`, 'none/#']
const clients = ['a', 'b', 'ä', long, `${long}y`]
const thumbprints = [1, 2, 3].map((n) => new Uint8Array(32).map((_, i) => (i < 8 ? 9 : n)))
const names = ['alice', 'bob']

/** What a record of a configuration has to have. */
const { detail } = configRecord({ digest: new Uint8Array(32), occasion: 'start' }, { auth: 'none' }, 0)

const record: fc.Arbitrary<UntimedRecord> = fc
  .record({
    topic: fc.constantFrom(...topics),
    clientId: fc.constantFrom(...clients),
    storedTopic: fc.option(fc.constantFrom(...topics), { freq: 4, nil: undefined }),
    username: fc.option(fc.constantFrom(...names), { nil: undefined }),
    auth: fc.constantFrom('none', 'password', 'certificate'),
    thumbprint: fc.option(fc.constantFrom(...thumbprints), { nil: undefined }),
    outcome: fc.constantFrom('unsigned', 'signed', 'will'),
    kind: fc.constantFrom('publish', 'publish', 'config'),
  })
  .map(({ topic, clientId, ...rest }) =>
    publishRecord(topic, clientId, { ...rest, ...(rest.kind === 'config' && { detail }) } as Partial<UntimedRecord>),
  )

/** A block, and how much later than the one before it is. */
const step = fc.record({ records: fc.array(record, { minLength: 1, maxLength: 40 }), laterMs: fc.nat(3) })

const startMs = 1_767_225_600_000
const time = fc.nat(40).map((ms) => new Date(startMs + ms).toISOString())
const rarely = <T>(one: fc.Arbitrary<T>) => fc.option(one, { freq: 2, nil: undefined })

const asked = fc.record({
  topic: rarely(fc.constantFrom(...filters)),
  clientId: rarely(fc.constantFrom(...clients, 'nobody')),
  kid: rarely(
    fc
      .tuple(fc.constantFrom(...thumbprints), fc.constantFrom(8, 32))
      .map(([kid, n]) => toBase64url(kid.subarray(0, n))),
  ),
  outcome: rarely(fc.constantFrom('unsigned', 'signed', 'will', 'unknown-key')),
  kind: rarely(fc.constantFrom('publish', 'config', 'genesis', 'key')),
  fromTime: rarely(time),
  toTime: rarely(time),
  fromIndex: rarely(fc.nat(200)),
  toIndex: rarely(fc.nat(400)),
  order: rarely(fc.constantFrom('asc', 'desc')),
})
const owner = rarely(
  fc.record({ username: rarely(fc.constantFrom(...names)), keys: fc.subarray(thumbprints, { maxLength: 2 }) }),
)

/** What a query means, said once more. */
function naive(all: readonly ChainRecord[], params: AuditQueryParams, limitedTo: RecordOwner | undefined): number[] {
  const found = all.flatMap((one, index) => {
    const {
      fromIndex = 0,
      toIndex = all.length,
      clientId,
      outcome,
      kind,
      kid,
      topic: filter,
      fromTime,
      toTime,
    } = params
    const isIn = index >= fromIndex && index <= toIndex
    const isThen =
      (fromTime === undefined || one.timeMs >= Date.parse(fromTime)) &&
      (toTime === undefined || one.timeMs <= Date.parse(toTime))
    const isFrom = clientId === undefined || one.clientId === clientId
    const isSo = (outcome ?? one.outcome) === one.outcome && (kind ?? one.kind) === one.kind
    const signer = one.thumbprint === undefined ? '' : Buffer.from(one.thumbprint).toString('hex')
    const isBy =
      kid === undefined || (signer !== '' && signer.startsWith(Buffer.from(kid, 'base64url').toString('hex')))
    const isTo =
      filter === undefined ||
      [one.topic, one.storedTopic].some((topic) => topic !== undefined && topicMatchesFilter(topic, filter))
    const isOwn =
      limitedTo === undefined ||
      (limitedTo.username !== undefined && one.auth !== 'none' && one.username === limitedTo.username) ||
      limitedTo.keys.some((key) => Buffer.from(key).toString('hex') === signer)
    return isIn && isThen && isFrom && isSo && isBy && isTo && isOwn ? [index] : []
  })
  return params.order === 'desc' ? found.reverse() : found
}

test('index, scan and a naive filter give the same records, in both orders, page by page, while the chain grows', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 10 }),
      fc.array(fc.tuple(asked, owner), { minLength: 8, maxLength: 8 }),
      fc.array(step, { maxLength: 4 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 60 })), { minLength: 1 }),
      async (steps, queries, growth, sizes) => {
        const indexed = await IndexedChain.open(t)
        const { index, clock } = indexed
        const grow = async ({ records, laterMs }: (typeof steps)[number]) => {
          clock.timeMs += laterMs
          await indexed.append(records)
        }
        const search = async (given: object, limitedTo: RecordOwner | undefined, using: QueryIndex | undefined) => {
          const params = given as AuditQueryParams
          const found: number[] = []
          const more = [...growth]
          let cursor: string | null | undefined
          const atStart = indexed.chain.nextIndex
          let atEnd = atStart
          for (let i = 0; cursor !== null; i++) {
            const [limit, records] = sizes[i % sizes.length] as readonly [number, number]
            const next = cursor === undefined ? {} : { cursor }
            atEnd = indexed.chain.nextIndex
            const limits = { ...roomy, records }
            const page = await indexed.page({ ...params, ...next, limit }, using, { limits, owner: limitedTo })
            assert.ok(page.records.length <= limit)
            found.push(...page.records.map((one) => one.index))
            cursor = page.cursor
            const addition = more.shift()
            if (addition !== undefined) await grow(addition)
            await index.buildNext(briskPace())
          }
          // Newest first, nothing is added to what there was at the first page; oldest first, all up to the last page is.
          const size = params.order === 'desc' ? atStart : atEnd
          assert.deepEqual(
            found,
            naive((await indexed.records()).slice(0, size), params, limitedTo),
            JSON.stringify(given),
          )
        }
        for (const one of steps) await grow(one)
        for (const [given, limitedTo] of queries) {
          const params = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
          await search(params, limitedTo, index)
          await search(params, limitedTo, undefined)
        }
        assert.deepEqual(indexed.errors, [])
        await indexed.chain.close()
      },
    ),
    { seed: fcSeed, numRuns: 12 },
  )
})

test('a search ends with a cursor when it has read as many records, bytes or milliseconds as it may, and gets on each time', async (t) => {
  const indexed = await IndexedChain.open(t)
  await indexed.append(Array.from({ length: 40 }, (_, i) => publishRecord(`n/${i}`, i === 30 ? 'rare' : 'device')))
  await indexed.buildAll()
  for (const limits of [
    { ...roomy, records: 1 },
    { ...roomy, bytes: 1 },
    { ...roomy, timeMs: 0 },
  ]) {
    for (const index of [indexed.index, undefined]) {
      const found: number[] = []
      let pages = 0
      let cursor: string | null | undefined
      while (cursor !== null) {
        const next = cursor === undefined ? {} : { cursor }
        const page = await indexed.page({ clientId: 'rare', ...next }, index, { limits })
        found.push(...page.records.map((record) => record.index))
        cursor = page.cursor
        assert.ok(++pages <= 41)
      }
      assert.deepEqual(found, [31])
      assert.ok(pages > 1, JSON.stringify(limits))
    }
  }
})

test('what the index says is read and nothing else', async (t) => {
  const indexed = await IndexedChain.open(t)
  for (let i = 0; i < 64; i++) await indexed.append([publishRecord('n', i === 40 ? 'rare' : 'device')])
  await indexed.buildAll()
  // Segments 0 to 3 are there; 64 stands in the fifth, which is not full, and is read.
  const read: number[] = []
  const { store } = indexed.chain
  const [{ blockAt, blocksAt }, original] = [store, { blockAt: store.blockAt, blocksAt: store.blocksAt }]
  store.blockAt = (index) => {
    read.push(index)
    return blockAt.call(store, index)
  }
  store.blocksAt = (index, ...rest) => {
    read.push(index)
    return blocksAt.call(store, index, ...rest)
  }
  assert.deepEqual(await indexed.found({ clientId: 'rare' }), [41])
  assert.deepEqual(read, [41, 64])
  Object.assign(store, original)
})
