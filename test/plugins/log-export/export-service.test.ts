import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ExportResult, ExportService, type PluginError } from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { ExportedChain } from '../../helpers/exported-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

async function scene(t: TestContext, intervalMs: number) {
  const exported = await ExportedChain.open(t)
  const directory = join(temporaryDirectory(t), 'export')
  const [errors, results]: [unknown[], ExportResult[]] = [[], []]
  const service = new ExportService({
    source: exported.source,
    checkpoints: exported.keeper,
    directory,
    intervalMs,
    onError: (error) => errors.push(error),
    onExported: (result) => results.push(result),
  })
  atEnd(t, () => service.close())
  const until = async (isRight: () => boolean) => {
    while (!isRight()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { exported, directory, service, errors, results, until }
}

test('it follows published checkpoints, and what came within the interval is exported at the end', async (t) => {
  const { exported, directory, service, results, until } = await scene(t, 3_600_000)
  await exported.growTo(3)
  await exported.note()
  service.start()
  await until(() => results.length === 1)
  await exported.growTo(5)
  await exported.note()
  await service.close()
  assert.deepEqual(results, [
    { from: 0, to: 3 },
    { from: 3, to: 5 },
  ])
  assert.equal(readFileSync(join(directory, 'checkpoint'), 'utf8'), exported.keeper.newest?.note)
})

test('a directory that cannot be used is told once, and used when that is over', async (t) => {
  const { exported, directory, service, errors, results, until } = await scene(t, 1)
  writeFileSync(directory, 'a file')
  await exported.growTo(3)
  await exported.note()
  service.start()
  await until(() => errors.length > 0)
  for (const size of [4, 5]) {
    await exported.growTo(size)
    await exported.note()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.deepEqual(
    errors.map((error) => (error as PluginError).code),
    ['ERR_EXPORT_DIRECTORY'],
  )
  rmSync(directory)
  await until(() => results.length === 1)
  assert.deepEqual(results, [{ from: 0, to: 5 }])
})

test('a service that was never started leaves nothing behind when it is closed', async (t) => {
  const { exported, directory, service, errors } = await scene(t, 1)
  await exported.growTo(3)
  await exported.note()
  await service.close()
  assert.deepEqual(errors, [])
  assert.equal(existsSync(directory), false)
})
