import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exportLog } from '../../plugins/index.ts'
import { withBitFlipped } from '../helpers/bits.ts'
import { ExportedChain } from '../helpers/exported-chain.ts'
import { logKey } from '../helpers/notes.ts'
import { pythonJson, runPython } from '../helpers/python.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasPython } from '../helpers/tools.ts'

const script = 'verify_export.py'

test('Python verifies an export with nothing but the verifier key, and refuses it with one bit flipped anywhere', async (t) => {
  if (!hasPython(t)) return
  const exported = await ExportedChain.open(t)
  for (const size of [5, 6, 300]) await exported.growTo(size)
  const directory = join(temporaryDirectory(t), 'export')
  await exportLog(exported.source, await exported.note(), directory)
  const { logVkey: vkey, genesis, state } = exported.chain
  const found = await pythonJson(t, [script, directory, vkey])
  assert.deepEqual(found, [{ size: 300, blocks: state.height, bodies: 299 }])
  const stranger = logKey(genesis.origin, 5).vkey
  assert.equal((await runPython(t, [script, directory, stranger])).code, 1)
  const files = [
    'checkpoint',
    'headers/000',
    'records/001.p/44',
    'tile/entries/000',
    'tile/0/001.p/44',
    'tile/1/000.p/1',
  ]
  for (const name of files) {
    const path = join(directory, name)
    const content = Uint8Array.from(readFileSync(path))
    writeFileSync(path, withBitFlipped(content, 8 * content.length - 9))
    assert.equal((await runPython(t, [script, directory, vkey])).code, 1, name)
    writeFileSync(path, content)
  }
})
