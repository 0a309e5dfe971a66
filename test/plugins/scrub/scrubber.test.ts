import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AuditChain,
  type DamageAlarm,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  Scrubber,
  type ScrubberOptions,
  type ScrubPass,
  type StoreDatabase,
  verifyStore,
} from '../../../plugins/index.ts'
import { type ChainRecord, decodeBlock, decodeRecord, leafHash } from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { NaiveTree } from '../../helpers/naive-tree.ts'
import { publishDecision, submission } from '../../helpers/sequencing.ts'
import { type BlockTable, flip, tamper } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { tileKey } from '../../helpers/tiled-chain.ts'

const perBlock = 50
const blocks = 16
const records = 1 + blocks * perBlock
const unlimited = 1_000_000

/** First index of a block; block 0 is the genesis. */
const beginOf = (block: number) => (block === 0 ? 0 : 1 + (block - 1) * perBlock)
const endOf = (block: number) => beginOf(block + 1) - 1

/** Data directory of a closed chain: the genesis, and 16 blocks of 50 records, which fill three tiles. */
async function filled(t: TestContext): Promise<string> {
  const location = temporaryDirectory(t)
  const chain = await AuditChain.open({ location, origin: 'example.com/plant' })
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < perBlock; i++) chain.submit(submission(`${i}`, publishDecision(`${block} ${i}`)))
    await chain.drained()
  }
  await chain.close()
  return location
}

interface Scrubbed {
  readonly pass: ScrubPass
  readonly alarms: readonly DamageAlarm[]
  readonly status: Scrubber['status']
  readonly counters: Scrubber['counters']
}

const unexpected = (error: unknown) => assert.fail(String(error))

/** Opens the chain, lets one pass go through it, and closes it. */
async function scrub(
  t: TestContext,
  location: string,
  options: Partial<ScrubberOptions> & { readonly before?: (chain: AuditChain) => Promise<unknown> } = {},
): Promise<Scrubbed> {
  const chain = await AuditChain.open({ location })
  await options.before?.(chain)
  const alarms: DamageAlarm[] = []
  let onPass: (pass: ScrubPass) => void = () => {}
  const passed = new Promise<ScrubPass>((resolve) => {
    onPass = resolve
  })
  const scrubber = await Scrubber.open({
    chain,
    perSecond: () => unlimited,
    onDamage: (alarm) => alarms.push(alarm),
    onPass,
    onError: unexpected,
    ...options,
  })
  atEnd(t, () => chain.close())
  scrubber.start()
  const pass = await passed
  await scrubber.stop()
  await chain.close()
  return { pass, alarms, status: scrubber.status, counters: scrubber.counters }
}

const tomorrow = () => Date.now() + 25 * 60 * 60 * 1000
const withoutIndex = ({ index: _, kind: __, ...damage }: DamageAlarm) => damage
const tilesOn = (database: StoreDatabase) =>
  database.sublevel<Uint8Array, Uint8Array>('tiles', { keyEncoding: 'view', valueEncoding: 'view' })

/** Changes a tile behind the back of a running chain, or takes it away: a start would make it again. */
async function alterTile(chain: AuditChain, index: number, change: (tile: Uint8Array) => unknown): Promise<void> {
  const tiles = tilesOn(chain.database)
  const tile = Uint8Array.from((await tiles.get(tileKey(0, index))) ?? [])
  if (change(tile) === 'gone') await tiles.del(tileKey(0, index))
  else await tiles.put(tileKey(0, index), tile)
}

/** The damage records behind the records that were there first. */
async function damageRecords(location: string) {
  const database = await openStoreDatabase(location, false)
  const found: { index: number; record: ChainRecord }[] = []
  for await (const { firstIndex, encoded } of new LevelAuditStore(database).blocks(records)) {
    for (const [i, { record }] of decodeBlock(encoded).entries.entries()) {
      if (record !== undefined && firstIndex + i >= records) {
        found.push({ index: firstIndex + i, record: decodeRecord(record) })
      }
    }
  }
  await database.close()
  return found
}

/** Asserts that the full tiles are those of the leaves. */
async function assertTiles(location: string): Promise<void> {
  const database = await openStoreDatabase(location, false)
  const leaves: Uint8Array[] = []
  for await (const { encoded } of new LevelAuditStore(database).blocks()) {
    for (const { leaf } of decodeBlock(encoded).entries) leaves.push(leafHash(leaf, nativeCrypto))
  }
  const tree = new NaiveTree(leaves)
  for (let index = 0; (index + 1) * 256 <= leaves.length; index++) {
    assert.deepEqual(
      await tilesOn(database).get(tileKey(0, index)),
      Buffer.from(tree.tile({ level: 0, index, width: 256 })),
    )
  }
  await database.close()
}

test('a pass through a chain that is whole finds nothing, writes no record, and is not repeated on the same day', async (t) => {
  const location = await filled(t)
  const { pass, alarms, status, counters } = await scrub(t, location)
  assert.deepEqual([pass, alarms], [{ records, findings: 0 }, []])
  assert.deepEqual([status.checked, status.passes, status.damage, counters.records], [0, 1, 0, records])
  assert.deepEqual(await damageRecords(location), [])
  const chain = await AuditChain.open({ location })
  const passes: ScrubPass[] = []
  const options = { chain, perSecond: () => unlimited, onDamage: unexpected, onError: unexpected }
  const again = await Scrubber.open({ ...options, onPass: (one) => passes.push(one) })
  again.start()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  await again.stop()
  await chain.close()
  assert.deepEqual(passes, [])
})

/** What becomes of block 5, and what is found: cause, first and last index. */
const damages: Record<string, readonly [(table: BlockTable) => Promise<unknown>, string, number, number]> = {
  'a bit of a body': [
    (table) => table.alter(beginOf(5), ({ entries }) => flip(entries[7]?.body, 0)),
    ...(['payload-mismatch', beginOf(5) + 7, beginOf(5) + 7] as const),
  ],
  'a bit of two bodies': [
    (table) => table.alter(beginOf(5), ({ entries }) => [7, 9].map((i) => flip(entries[i]?.body, 0))),
    ...(['payload-mismatch', beginOf(5) + 7, beginOf(5) + 9] as const),
  ],
  'a bit of a record': [
    (table) => table.alter(beginOf(5), ({ entries }) => flip(entries[7]?.record, -1)),
    ...(['record-mismatch', beginOf(5) + 7, beginOf(5) + 7] as const),
  ],
  'a bit of a salt': [
    (table) => table.alter(beginOf(5), ({ entries }) => flip(entries[7]?.salt, -1)),
    ...(['record-mismatch', beginOf(5) + 7, beginOf(5) + 7] as const),
  ],
  'a bit of a leaf': [
    (table) => table.alter(beginOf(5), ({ entries }) => flip(entries[7]?.leaf, -1)),
    ...(['leaf-mismatch', beginOf(5) + 7, beginOf(5) + 7] as const),
  ],
  'a bit of the signature of a header': [
    (table) => table.alter(beginOf(5), ({ signed }) => flip(signed, -1)),
    ...(['header-signature-invalid', beginOf(5), endOf(5)] as const),
  ],
  'a block that is gone': [(table) => table.remove(beginOf(5)), ...(['missing-block', beginOf(5), endOf(5)] as const)],
  'a block that was cut short': [
    async (table) => table.put(beginOf(5), (await table.get(beginOf(5))).subarray(0, 1000)),
    ...(['malformed-block', beginOf(5), endOf(5)] as const),
  ],
  'another block in its place': [
    async (table) => table.put(beginOf(5), await table.get(beginOf(4))),
    ...(['misplaced-block', beginOf(5), endOf(5)] as const),
  ],
}

for (const [name, [change, cause, firstIndex, lastIndex]] of Object.entries(damages)) {
  test(`${name}: is found once, is recorded once, and everything else is checked all the same`, async (t) => {
    const location = await filled(t)
    await tamper(location, change)
    const expected = { firstIndex, lastIndex, cause }
    const first = await scrub(t, location)
    assert.deepEqual(first.alarms.map(withoutIndex), [expected])
    assert.deepEqual([first.pass.findings, first.counters.records, first.status.damage], [1, records, 1])
    const second = await scrub(t, location, { now: tomorrow })
    assert.deepEqual([second.alarms, second.pass.findings, second.status.damage], [[], 1, 1])
    assert.deepEqual(
      (await damageRecords(location)).map(({ index, record }) => [index, record.detail]),
      [
        [
          records,
          new Map<number, unknown>([
            [1, firstIndex],
            [2, lastIndex],
            [3, cause],
          ]),
        ],
      ],
    )
  })
}

test('a damaged tile and one that is gone are made again from the blocks, in the batch of the record that says so', async (t) => {
  const location = await filled(t)
  const before = async (chain: AuditChain) => {
    await alterTile(chain, 0, (tile) => flip(tile, 100))
    await alterTile(chain, 2, () => 'gone')
  }
  const tile = (index: number) => ({
    firstIndex: index * 256,
    lastIndex: index * 256 + 255,
    cause: 'tile-mismatch',
    tile: { level: 0, index, isRepaired: true },
  })
  const { alarms, status, counters } = await scrub(t, location, { before })
  assert.deepEqual(alarms.map(withoutIndex), [tile(0), tile(2)])
  assert.deepEqual([status.damage, counters.repairedTiles], [0, 2])
  await assertTiles(location)
  assert.equal((await scrub(t, location, { now: tomorrow })).pass.findings, 0)
})

test('where the block of a damaged tile is damaged, too, the tile is recorded and left as it is', async (t) => {
  const location = await filled(t)
  await tamper(location, (table) => table.alter(beginOf(2), ({ entries }) => flip(entries[0]?.leaf, -1)))
  const before = (chain: AuditChain) => alterTile(chain, 0, (tile) => flip(tile, 100))
  const { alarms, status, counters } = await scrub(t, location, { before })
  assert.deepEqual(
    alarms.map(({ cause, tile }) => [cause, tile]),
    [
      ['leaf-mismatch', undefined],
      ['tile-mismatch', { level: 0, index: 0, isRepaired: false }],
    ],
  )
  assert.deepEqual([status.damage, counters.repairedTiles, counters.records], [2, 0, records])
})

test('what LevelDB cannot read is passed over and recorded', async (t) => {
  const location = await filled(t)
  const database = await openStoreDatabase(location, false)
  // Into files, which are what decays. Not in the types of the database.
  const { compactRange } = database as unknown as { compactRange(from: Uint8Array, to: Uint8Array): Promise<void> }
  await compactRange.call(database, Uint8Array.of(0), Uint8Array.of(255))
  await database.close()
  const store = join(location, 'store')
  const files = readdirSync(store).filter((name) => name.endsWith('.ldb'))
  const [largest] = files.map((name) => join(store, name)).sort((a, b) => statSync(b).size - statSync(a).size)
  const bytes = readFileSync(largest as string)
  const middle = Math.floor(bytes.length / 3)
  bytes.fill(0xff, middle, middle + 2000)
  writeFileSync(largest as string, bytes)
  const { alarms, pass, counters } = await scrub(t, location)
  const [alarm] = alarms
  assert.ok(pass.findings >= 1 && alarm !== undefined)
  assert.ok(
    alarm.firstIndex <= endOf(8) &&
      alarms.every(({ cause }) => cause === 'unreadable-block' || cause === 'malformed-block'),
  )
  assert.equal(counters.records, records)
})

test('a restart goes on where the scrub was, and the rate may change while it waits', async (t) => {
  const location = await filled(t)
  const chain = await AuditChain.open({ location })
  let perSecond = 0
  const given = { chain, onDamage: unexpected, onPass: () => assert.fail('the pass is not over'), onError: unexpected }
  const scrubber = await Scrubber.open({ ...given, perSecond: () => perSecond })
  scrubber.start()
  await new Promise((resolve) => setTimeout(resolve, 1200))
  assert.equal(scrubber.status.checked, 0)
  perSecond = 200
  scrubber.applyOptions()
  for (let i = 0; i < 1000 && scrubber.status.checked < 2 * perBlock; i++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  perSecond = 0
  scrubber.applyOptions()
  await scrubber.stop()
  const { checked } = scrubber.status
  assert.ok(checked >= 2 * perBlock && checked < records, `${checked}`)
  await chain.close()
  const { counters, status } = await scrub(t, location)
  assert.deepEqual([counters.records, status.passes], [records - checked, 1])
})

test('a chain that the scrub wrote into verifies', async (t) => {
  const location = await filled(t)
  await scrub(t, location, { before: (chain) => alterTile(chain, 1, (tile) => flip(tile, 0)) })
  const database = await openStoreDatabase(location, false)
  const { ok, checked } = await verifyStore({ store: new LevelAuditStore(database) })
  assert.deepEqual([ok, checked], [true, records + 1])
  await database.close()
})

test('the scrub can be stopped while the store takes no writes, and finds the damage again', async (t) => {
  const location = await filled(t)
  await tamper(location, (table) => table.alter(beginOf(2), ({ entries }) => flip(entries[0]?.body, 0)))
  const chain = await AuditChain.open({ location })
  const { database } = chain
  const batch = database.batch.bind(database)
  const writing = new Promise<void>((resolve) => {
    const hanging = () => {
      resolve()
      return new Promise<void>(() => {})
    }
    Object.assign(database, { batch: hanging })
  })
  const scrubber = await Scrubber.open({
    chain,
    perSecond: () => unlimited,
    onDamage: unexpected,
    onPass: unexpected,
    onError: unexpected,
  })
  scrubber.start()
  await writing
  await scrubber.stop()
  assert.equal(scrubber.status.checked, beginOf(2))
  Object.assign(database, { batch })
  await database.close()
  assert.deepEqual((await scrub(t, location)).alarms.map(withoutIndex), [
    { firstIndex: beginOf(2), lastIndex: beginOf(2), cause: 'payload-mismatch' },
  ])
})
