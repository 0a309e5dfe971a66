import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPythonClient } from '../../helpers/python.ts'
import { hasPython } from '../../helpers/tools.ts'

test('the Python client passes its own tests', async (t) => {
  if (!hasPython(t)) return
  const { code, stderr } = await runPythonClient(t, 'unittest', ['discover', '-s', 'tests', '-t', '.'])
  assert.equal(code, 0, stderr)
  const [, ran] = /^Ran ([0-9]+) tests/m.exec(stderr) ?? []
  assert.ok(Number(ran) >= 50, stderr)
})
