import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { after, test } from 'node:test'
import { TileTable } from '../../plugins/audit-chain/tile-table.ts'
import {
  AuditChain,
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  storeSublevel,
  verifyStore,
} from '../../plugins/index.ts'
import { decodeBlock, decodeRecord, leafHash, tilesOf, tileWidth } from '../../protocol/index.ts'
import { fillChain } from '../../scripts/chain/fill-chain.ts'
import { kept } from '../helpers/faults.ts'
import { NaiveTree } from '../helpers/naive-tree.ts'
import { programArguments } from '../helpers/program.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { armStore, type CommitStep, commitSteps, deaths, markSublevel, writeOutcomes } from './commit-steps.ts'

// Every kind of commit, and everything that can become of its write. Whatever it is, the next start finds a chain that
// verifies, with its tiles, and with the whole of the commit or nothing of it.

const prepared = mkdtempSync(join(tmpdir(), 'notarymq-test-'))
after(() => rmSync(prepared, { recursive: true, force: true }))
const chains = new Map<number, Promise<string>>()

/** A data directory with a chain of so many records, made once. */
function chainOf(records: number): Promise<string> {
  const made = chains.get(records) ?? makeChain(records)
  chains.set(records, made)
  return made
}

async function makeChain(records: number): Promise<string> {
  const location = join(prepared, `${records}`)
  const chain = await AuditChain.open({ location })
  await fillChain(chain, { records: records - 1, perCommit: Math.min(records - 1, 5000) })
  await chain.close()
  return location
}

async function placeFor(t: TestContext, { records }: CommitStep): Promise<string> {
  const location = join(temporaryDirectory(t), 'data')
  if (records > 0) cpSync(await chainOf(records), location, { recursive: true })
  return location
}

/** How often what the step adds is there, and everything else that has to be true whatever happened. */
async function foundIn(location: string, { records, adds }: CommitStep): Promise<readonly number[]> {
  // A start repairs what a crash left; it must not find anything to complain about.
  const started = await AuditChain.open({ location, onError: (error) => assert.fail(String(error)) })
  const { size } = started.state.frontier
  await started.close()
  const database = await openStoreDatabase(location, false)
  const store = new LevelAuditStore(database)
  const { ok, checked, firstBad } = await verifyStore({ store })
  assert.deepEqual([ok, checked, firstBad], [true, size, undefined])
  const leaves: Uint8Array[] = []
  const counts = new Map<string, number>()
  for await (const { firstIndex, encoded } of store.blocks()) {
    for (const [i, entry] of decodeBlock(encoded).entries.entries()) {
      const { leaf, record, body } = kept(entry)
      leaves.push(leafHash(leaf, nativeCrypto))
      if (firstIndex + i < records) continue
      const { kind } = decodeRecord(record)
      const name = kind === 'publish' ? Buffer.from(body ?? []).toString() : kind
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  const tree = new NaiveTree(leaves)
  const table = new TileTable(database)
  // Those that the step may have completed; the others were there before.
  for (const tile of tilesOf(size, Math.max(records, 1))) {
    if (tile.width === tileWidth) assert.deepEqual(await table.get(tile), Buffer.from(tree.tile(tile)))
  }
  const mark = await storeSublevel(database, markSublevel).get(new TextEncoder().encode('written'))
  if (mark !== undefined) counts.set('written', 1)
  await database.close()
  const others = [...counts.keys()].filter((name) => !adds.includes(name) && name !== 'genesis')
  assert.deepEqual(others, [])
  return adds.map((name) => counts.get(name) ?? 0)
}

/** How often the store cannot be opened again: `npm run test:commit-steps` has all, the usual run each once. */
const isWhole = process.env.NOTARYMQ_COMMIT_STEPS === 'all'
const reopensOf = isWhole
  ? { 'not stored': [0, 2], 'stored but reported failed': [0, 2] }
  : { 'not stored': [2], 'stored but reported failed': [0] }

for (const [name, step] of Object.entries(commitSteps)) {
  for (const outcome of writeOutcomes) {
    for (const failingReopens of reopensOf[outcome]) {
      test(`${name}: ${outcome}, and ${failingReopens} attempts to open the store fail: it is there once, with its tiles`, async (t) => {
        const location = await placeFor(t, step)
        let disarm = () => {}
        let faults = 0
        const arm = () => {
          disarm = armStore(outcome, failingReopens, () => faults++)
        }
        // The chain does not keep a process that has nothing else to do: its attempts end with it.
        const keepAlive = setInterval(() => {}, 1000)
        try {
          await step.run(location, arm)
        } finally {
          disarm()
          clearInterval(keepAlive)
        }
        assert.equal(faults, 1)
        assert.deepEqual(
          await foundIn(location, step),
          step.adds.map(() => 1),
        )
      })
    }
  }
  for (const outcome of deaths) {
    test(`${name}: ${outcome} it is on disk: all of it is there or nothing, and what was there before stays`, async (t) => {
      const location = await placeFor(t, step)
      assert.equal(await runToDeath(name, outcome, location), 'SIGKILL')
      const wasBefore = (text: string) => text.startsWith('before ')
      const expected = step.adds.map((text) => {
        // A chain that has not begun is begun by the next start.
        return outcome === 'killed after' || wasBefore(text) || text === 'genesis' ? 1 : 0
      })
      assert.deepEqual(await foundIn(location, step), expected)
    })
  }
}

/** @returns the signal that ended it */
function runToDeath(...args: readonly string[]): Promise<string | undefined> {
  const program = programArguments('test/faults/commit-step-process.ts')
  return new Promise((resolve) => {
    execFile(process.execPath, [...program, ...args], { timeout: 60_000 }, (error) =>
      resolve(error?.signal ?? undefined),
    )
  })
}
