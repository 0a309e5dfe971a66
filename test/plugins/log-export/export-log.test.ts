import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { exportLog, nativeCrypto, PluginError, verifyExport } from '../../../plugins/index.ts'
import { entriesPath, frontierFromTiles, HashTile, leafHash, parseItems, tilePath } from '../../../protocol/index.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { ExportedChain } from '../../helpers/exported-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** Every file below a folder, by its path there. */
function filesOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()
}

const hasCode = (code: string) => (error: unknown) => error instanceof PluginError && error.code === code

/** A chain of some size, one of its publishes signed, and a directory for its export. */
async function scene(t: TestContext, size: number) {
  const exported = await ExportedChain.open(t)
  await exported.enroll()
  await exported.growTo(size - 1)
  await exported.sign('signed')
  const directory = join(temporaryDirectory(t), 'export')
  const run = async () => exportLog(exported.source, await exported.note(), directory)
  return { exported, directory, run, vkeys: [exported.chain.logVkey] }
}

test('an export holds the files of C2SP tlog-tiles, and records, headers and keys beside them', async (t) => {
  const { directory, run, vkeys } = await scene(t, 300)
  assert.deepEqual(await run(), { from: 0, to: 300 })
  assert.deepEqual(filesOf(directory), [
    'checkpoint',
    'headers/000',
    'headers/001.p/44',
    'keys/broker.pub.pem',
    'keys/log.vkey',
    'log.json',
    'records/000',
    'records/001.p/44',
    'tile/0/000',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
    'tile/entries/000',
    'tile/entries/001.p/44',
  ])
  const { ok, checked, signatures, treeSize } = await verifyExport({ directory, vkeys })
  assert.deepEqual({ ok, checked, signatures, treeSize }, { ok: true, checked: 300, signatures: 1, treeSize: 300 })
})

test('what reads the log of Tessera reads ours: tiles, entries and checkpoint lead to one root', async (t) => {
  const { directory, run } = await scene(t, 300)
  await run()
  const read = (path: string) => readFileSync(join(directory, path))
  const tile = async (id: { level: number; index: number; width: number }) =>
    new HashTile(read(tilePath(id)), nativeCrypto)
  const [, size, root] = readFileSync(join(directory, 'checkpoint'), 'utf8').split('\n')
  assert.equal(size, '300')
  const frontier = await frontierFromTiles(300, tile, nativeCrypto)
  assert.equal(Buffer.from(frontier.root()).toString('base64'), root)
  const leaves = [
    { index: 0, width: 256 },
    { index: 1, width: 44 },
  ].flatMap((one) => parseItems(read(entriesPath(one))))
  const hashes = leaves.map((leaf) => leafHash(leaf, nativeCrypto))
  assert.deepEqual(Buffer.concat(hashes), Buffer.concat([read('tile/0/000'), read('tile/0/001.p/44')]))
})

test('a second export writes what is new and nothing else, and keeps partial files of the two newest checkpoints', async (t) => {
  const { exported, directory, run, vkeys } = await scene(t, 300)
  await run()
  const inodes = () => ['headers/000', 'records/000', 'tile/0/000'].map((name) => statSync(join(directory, name)).ino)
  const before = inodes()
  await exported.growTo(310)
  assert.deepEqual(await run(), { from: 300, to: 310 })
  assert.deepEqual(await run(), { from: 310, to: 310 })
  // Files come by renaming, so one that was written again would be another one.
  assert.deepEqual(inodes(), before)
  const partial = () =>
    filesOf(directory).filter((name) => name.startsWith('records/001.p') || name.startsWith('tile/1'))
  assert.deepEqual(partial(), ['records/001.p/44', 'records/001.p/54', 'tile/1/000.p/1'])
  await exported.growTo(320)
  await run()
  assert.deepEqual(partial(), ['records/001.p/54', 'records/001.p/64', 'tile/1/000.p/1'])
  await exported.growTo(600)
  await run()
  await exported.growTo(700)
  await run()
  assert.deepEqual(partial(), ['tile/1/000.p/2'])
  assert.equal(existsSync(join(directory, 'records/001.p')), false)
  const result = await verifyExport({ directory, vkeys })
  assert.deepEqual([result.ok, result.checked], [true, 700])
})

for (const size of [3, 255, 256, 257, 511, 512, 513]) {
  test(`trees of ${size} records are exported whole`, async (t) => {
    const { exported, directory, run, vkeys } = await scene(t, size)
    await run()
    assert.deepEqual((await verifyExport({ directory, vkeys })).checked, size)
    await exported.growTo(size + 1)
    await run()
    const { ok, checked } = await verifyExport({ directory, vkeys })
    assert.deepEqual({ ok, checked }, { ok: true, checked: size + 1 })
  })
}

test('an export that ended early is the one of its checkpoint, whatever else it had written, and goes on from there', async (t) => {
  const { exported, directory, run, vkeys } = await scene(t, 300)
  await run()
  const before = readFileSync(join(directory, 'checkpoint'))
  await exported.growTo(1000)
  const signal = AbortSignal.abort()
  await assert.rejects(exportLog(exported.source, await exported.note(), directory, { signal }), { name: 'AbortError' })
  assert.equal(existsSync(join(directory, 'records/001')), true)
  assert.deepEqual(readFileSync(join(directory, 'checkpoint')), before)
  const early = await verifyExport({ directory, vkeys })
  assert.deepEqual([early.ok, early.checked], [true, 300])
  assert.deepEqual(await run(), { from: 300, to: 1000 })
  const whole = await verifyExport({ directory, vkeys })
  assert.deepEqual([whole.ok, whole.checked], [true, 1000])
})

test('a partial file that a full one took the place of is read from that', async (t) => {
  const { exported, directory, run, vkeys } = await scene(t, 300)
  await run()
  const checkpoint = readFileSync(join(directory, 'checkpoint'))
  await exported.growTo(600)
  await run()
  // A copy of the directory that began with the checkpoint and was overtaken.
  writeFileSync(join(directory, 'checkpoint'), checkpoint)
  rmSync(join(directory, 'checkpoint.previous'))
  for (const folder of ['headers', 'records', 'tile/0', 'tile/entries'])
    rmSync(join(directory, folder, '001.p'), { recursive: true })
  const { ok, checked } = await verifyExport({ directory, vkeys })
  assert.deepEqual({ ok, checked }, { ok: true, checked: 300 })
})

test('a directory with something else in it, or the export of another log, is refused and left alone', async (t) => {
  const { exported, directory, run } = await scene(t, 3)
  mkdirSync(directory)
  writeFileSync(join(directory, 'letters'), 'mine')
  await assert.rejects(run(), hasCode('ERR_EXPORT_DIRECTORY'))
  assert.deepEqual(filesOf(directory), ['letters'])
  const other = await scene(t, 3)
  await other.run()
  const note = await exported.note()
  await assert.rejects(exportLog(exported.source, note, other.directory), hasCode('ERR_EXPORT_DIRECTORY'))
})

test('a chain that was rolled back, or went another way since, is not exported over what it was', async (t) => {
  const { exported, directory } = await scene(t, 300)
  await exported.keeper.close()
  await exported.chain.close()
  const copy = join(temporaryDirectory(t), 'copy')
  cpSync(exported.location, copy, { recursive: true })
  const first = await ExportedChain.open(t, exported.location)
  await first.growTo(310)
  await exportLog(first.source, await first.note(), directory)
  const second = await ExportedChain.open(t, copy)
  const isConflict = (standing: string) => (error: unknown) =>
    hasCode('ERR_EXPORT_CONFLICT')(error) && (error as PluginError).details.standing === standing
  await assert.rejects(exportLog(second.source, await second.note(), directory), isConflict('rolled-back'))
  await second.growTo(320)
  await assert.rejects(exportLog(second.source, await second.note(), directory), isConflict('forked'))
})

test('every kind of file: one flipped bit, a cut, a missing file is found, and where', async (t) => {
  const { exported, directory, run, vkeys } = await scene(t, 300)
  await run()
  await exported.growTo(310)
  await run()
  const whole = await verifyExport({ directory, vkeys })
  assert.deepEqual([whole.ok, whole.checked], [true, 310])
  const current = filesOf(directory).filter((name) => !name.includes('/001.p/44'))
  assert.equal(current.length, 14)
  const found = async () => (await verifyExport({ directory, vkeys })).firstBad
  for (const name of current) {
    const path = join(directory, name)
    const content = Uint8Array.from(readFileSync(path))
    const causes: unknown[] = []
    for (const altered of [
      withBitFlipped(content, 8 * Math.floor(content.length / 2)),
      withBitFlipped(content, 8 * content.length - 1),
      withBitFlipped(content, 3),
      content.subarray(0, -1),
      Buffer.concat([content, Buffer.of(0)]),
      new Uint8Array(0),
    ]) {
      writeFileSync(path, altered)
      const bad = await found()
      causes.push(bad?.cause)
      assert.notEqual(bad, undefined, `${name}: ${causes}`)
      const [folder] = name.replace('tile/', '').split(/[/.]/)
      // Leaves, records and headers are held against one another: it is one of them.
      const isNamed = bad?.file === name || /entries|records|headers|^\d$/.test(`${folder}`)
      assert.ok(isNamed, `${name}: ${bad?.cause} in ${bad?.file}`)
    }
    rmSync(path)
    const bad = await found()
    if (name === 'checkpoint.previous') assert.equal(bad, undefined)
    else assert.equal(bad?.file, name, `${bad?.cause}`)
    writeFileSync(path, content)
  }
  assert.equal((await found())?.cause, undefined)
})
