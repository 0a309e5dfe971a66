import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AnchorFile, keptCheckpoints, openNewLog, type PluginError } from '../../../plugins/index.ts'
import { contentOf, openAnchored } from '../../helpers/anchored-chain.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** A running chain with one anchor, and how its sources are asked. */
async function scene(t: TestContext, location = join(temporaryDirectory(t), 'data')) {
  const file = new AnchorFile(temporaryDirectory(t))
  const { chain, keeper, close } = await openAnchored(location, [file])
  atEnd(t, close)
  await keeper.make()
  const told: unknown[] = []
  const ask = (...files: readonly AnchorFile[]) =>
    keptCheckpoints(chain, files, ({ code }: PluginError) => told.push(code))
  return { location, file, close, told, ask }
}

test('what each anchor has of this log is given with its place, and one that was never written gives nothing', async (t) => {
  const { file, told, ask } = await scene(t)
  const empty = new AnchorFile(temporaryDirectory(t))
  assert.deepEqual(await ask(empty, file), [{ place: file.place, note: contentOf(file).note }])
  assert.deepEqual(told, [])
})

test('an anchor that cannot be read is told of and left out, and the ones behind it are asked all the same', async (t) => {
  const { file, told, ask } = await scene(t)
  const gone = new AnchorFile(join(temporaryDirectory(t), 'unmounted', 'anchor'))
  const kept = await ask(gone, file)
  assert.deepEqual(
    kept.map(({ place }) => place),
    [file.place],
  )
  assert.deepEqual(told, ['ERR_ANCHOR_UNREADABLE'])
})

test('from an anchor of the log before nothing follows for this one: it is left out, and nobody is told', async (t) => {
  const { location, file: before, close } = await scene(t)
  await close()
  rmSync(join(location, 'store'), { recursive: true })
  await openNewLog(location, {
    anchorPaths: [before.place],
    custody: {},
    requester: { auth: 'none', username: 'root' },
  })
  const { file, told, ask } = await scene(t, location)
  assert.notEqual(contentOf(file).note.split('\n')[0], contentOf(before).note.split('\n')[0])
  assert.deepEqual(await ask(before, file), [{ place: file.place, note: contentOf(file).note }])
  assert.deepEqual(told, [])
})

test('what lies where an anchor should be and is none of this log is given as no note, which no chain fits', async (t) => {
  const { told, ask } = await scene(t)
  const { file: foreign } = await scene(t)
  const altered = new AnchorFile(temporaryDirectory(t))
  writeFileSync(altered.path, 'no anchor')
  assert.deepEqual(await ask(foreign, altered), [
    { place: foreign.place, note: '' },
    { place: altered.place, note: '' },
  ])
  assert.deepEqual(told, [])
})
