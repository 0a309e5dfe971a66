import assert from 'node:assert/strict'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  AnchoredPlaces,
  AnchorFile,
  type CheckpointSource,
  nativeCrypto,
  openStoreDatabase,
  rotateKey,
} from '../../../plugins/index.ts'
import { BrokerSigner, signAnchor, toHex } from '../../../protocol/index.ts'
import { contentOf, openAnchored, putBack, refusal } from '../../helpers/anchored-chain.ts'
import { appendPublishes } from '../../helpers/checkpointed-chain.ts'
import { key11, keyMeriadoc, publicOf } from '../../helpers/keys.ts'
import { copyOfData } from '../../helpers/stored-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

interface Scene {
  readonly location: string
  readonly file: AnchorFile
  /** The data directory when the anchor was written for the first time, with three records. */
  readonly earlier: string
}

/** A chain that was stopped with three records, and again with five. */
async function scene(t: TestContext): Promise<Scene> {
  const location = join(temporaryDirectory(t), 'data')
  const file = new AnchorFile(temporaryDirectory(t))
  await grow({ location, file }, 2)
  const earlier = copyOfData(t, location)
  await grow({ location, file }, 2)
  return { location, file, earlier }
}

/** Starts, appends so many records, and stops with a checkpoint. @returns records at the start */
async function grow({ location, file }: Pick<Scene, 'location' | 'file'>, count: number): Promise<number> {
  const { chain, close } = await openAnchored(location, [file])
  const { size } = chain.state.frontier
  await appendPublishes(chain, count)
  await close()
  return size
}

test('a chain that is the anchored one, or goes on from it, starts', async (t) => {
  const anchored = await scene(t)
  assert.equal(await grow(anchored, 0), 5)
  const behind = contentOf(anchored.file)
  const { chain, close } = await openAnchored(anchored.location, [])
  await appendPublishes(chain, 3)
  await close()
  assert.equal(await grow(anchored, 0), 8)
  assert.notEqual(contentOf(anchored.file).note, behind.note)
})

test('a whole data directory that was put back does not start, and is told what is missing and from where on', async (t) => {
  const { location, file, earlier } = await scene(t)
  putBack(earlier, location)
  const error = await refusal(openAnchored(location, [file]))
  assert.equal(error.code, 'ERR_CHAIN_ROLLED_BACK')
  assert.deepEqual(error.details, { treeSize: 3, keptSize: 5, missing: 2, place: file.place })
  // Without the anchor nothing contradicts it: a head file is put back with the rest.
  const { chain, close } = await openAnchored(location, [])
  assert.equal(chain.state.frontier.size, 3, 'the refused start wrote nothing')
  await close()
})

test('a data directory that is gone does not begin a new log beside the anchor of the old one', async (t) => {
  const { location, file } = await scene(t)
  rmSync(join(location, 'store'), { recursive: true })
  rmSync(join(location, 'head'))
  const error = await refusal(openAnchored(location, [file]))
  assert.equal(error.code, 'ERR_CHAIN_ROLLED_BACK')
  assert.equal(error.details.missing, 5)
  assert.ok(existsSync(file.path))
})

test('two continuations of one copy: the one that the anchor does not know is a fork', async (t) => {
  const { location, file, earlier } = await scene(t)
  putBack(earlier, location)
  const { chain, close } = await openAnchored(location, [])
  await appendPublishes(chain, 4)
  await close()
  const error = await refusal(openAnchored(location, [file]))
  assert.equal(error.code, 'ERR_CHAIN_FORKED')
  assert.deepEqual(error.details, { treeSize: 7, keptSize: 5, place: file.place })
})

test('an anchor of another log is not overwritten', async (t) => {
  const { file } = await scene(t)
  const other = join(temporaryDirectory(t), 'data')
  assert.equal((await refusal(openAnchored(other, [file]))).code, 'ERR_ANCHOR_OTHER_LOG')
})

test('an anchor that the broker or the log did not sign is not believed', async (t) => {
  const { location, file } = await scene(t)
  const { note } = contentOf(file)
  const { chain, close } = await openAnchored(location, [])
  const own = new BrokerSigner(chain.brokerKey, nativeCrypto)
  await close()
  const strange = new BrokerSigner(keyMeriadoc, nativeCrypto)
  for (const [signer, text] of [
    [strange, note],
    [own, note.replace('\n5\n', '\n4\n')],
    [own, note.replace(/\n\n.*/s, '\n\n\u2014 somebody AAAAAAAA\n')],
    [own, 'no note'],
  ] as const) {
    await file.write(signAnchor(text, [], signer))
    assert.equal((await refusal(openAnchored(location, [file]))).code, 'ERR_ANCHOR_INVALID', text)
  }
})

test('an anchor that was written and is gone is missed, one that never was is written', async (t) => {
  const { location, file } = await scene(t)
  renameSync(file.path, `${file.path}.away`)
  const error = await refusal(openAnchored(location, [file]))
  assert.deepEqual([error.code, error.details], ['ERR_ANCHOR_MISSING', { place: file.place }])
  renameSync(`${file.path}.away`, file.path)
  const second = new AnchorFile(join(temporaryDirectory(t), 'second'))
  await (await openAnchored(location, [file, second])).close()
  assert.ok(existsSync(second.path))
  rmSync(second.path)
  assert.equal((await refusal(openAnchored(location, [file, second]))).code, 'ERR_ANCHOR_MISSING')
})

test('what a witness kept is an anchor as well', async (t) => {
  const { location, file, earlier } = await scene(t)
  const { note } = contentOf(file)
  const witness: CheckpointSource = { place: 'the witness w', read: async () => ({ note }) }
  await (await openAnchored(location, [], [witness])).close()
  putBack(earlier, location)
  const error = await refusal(openAnchored(location, [], [witness]))
  assert.deepEqual([error.code, error.details.place], ['ERR_CHAIN_ROLLED_BACK', 'the witness w'])
})

test('after rotations of both keys the anchor from before is still one of this log', async (t) => {
  const { location, file } = await scene(t)
  for (const role of ['broker', 'log'] as const) await rotateKey(location, role, {}, () => {})
  assert.equal(await grow({ location, file }, 0), 7)
  assert.equal(await grow({ location, file }, 1), 7)
})

test('the anchor has the highest number of every key that signed', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const file = new AnchorFile(temporaryDirectory(t))
  const { chain, keeper, close } = await openAnchored(location, [file])
  const key = await chain.enroll(publicOf(key11), 'device')
  for (const seq of [5, 9, 7])
    key.window.accept(seq, { index: 1, contentDigest: new Uint8Array(32), qos: 0, retain: false })
  await keeper.make()
  assert.deepEqual(contentOf(file).highestSeqs, new Map([[toHex(key11.thumbprint), 9]]))
  await close()
})

test('while an anchor cannot be written no checkpoint is published, which is told once, and records are accepted', async (t) => {
  const { location, file } = await scene(t)
  const { chain, keeper, told, close } = await openAnchored(location, [file])
  const before = keeper.newest
  // A directory in its place: even root cannot rename a file over it.
  rmSync(file.path)
  mkdirSync(file.path)
  for (let i = 0; i < 3; i++) {
    await appendPublishes(chain, 1)
    await keeper.make()
  }
  assert.equal(keeper.newest, before)
  assert.deepEqual(
    told.filter((line) => line.startsWith('failing')),
    [`failing ${file.place}`],
  )
  assert.equal(told.filter((line) => line === 'ERR_ANCHOR_WRITE_FAILED').length, 3)
  rmSync(file.path, { recursive: true })
  await keeper.make()
  assert.equal(keeper.newest?.treeSize, 8)
  assert.equal(told.at(-1), `mended ${file.place}`)
  await close()
})

test('a checkpoint that was stored and not anchored is anchored by the next start before it is published', async (t) => {
  const { location, file } = await scene(t)
  const first = await openAnchored(location, [])
  await appendPublishes(first.chain, 2)
  await first.close()
  const { keeper, close } = await openAnchored(location, [file])
  assert.equal(contentOf(file).note, keeper.newest?.note)
  await close()
})

test('which anchors were written survives in the store', async (t) => {
  const { location, file } = await scene(t)
  const database = await openStoreDatabase(location, false)
  const places = await AnchoredPlaces.open(database)
  assert.deepEqual(places.all, [file.place])
  assert.equal(await places.forget(file.place), true)
  assert.equal(await places.forget(file.place), false)
  await database.close()
  rmSync(file.path)
  assert.equal(await grow({ location, file }, 0), 5)
  writeFileSync(file.path, '')
  assert.equal((await refusal(openAnchored(location, [file]))).code, 'ERR_ANCHOR_INVALID')
})
