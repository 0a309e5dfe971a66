import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inspectors } from '../../../plugins/audit-verify/inspectors.ts'
import { PluginError } from '../../../plugins/index.ts'

const known = { publishers: [], brokerKey: undefined }
/** More than one thread looks at by itself, and no block. */
const large = [{ firstIndex: 0, encoded: new Uint8Array(2 * 1024 * 1024) }]

test('a thread says of bytes that are no block that they are none', async () => {
  const inspectors = new Inspectors(1, 0)
  const [inspected, ...others] = await inspectors.inspect(large, known)
  await inspectors.close()
  assert.deepEqual([inspected?.header, others], [undefined, []])
})

test('what threads have not looked at when they are ended is looked at by nobody', async () => {
  const inspectors = new Inspectors(2, 0)
  const underway = Array.from({ length: 4 }, () => inspectors.inspect(large, known))
  const codes = Promise.all(
    underway.map((inspection) =>
      inspection.then(
        () => 'looked at',
        (error) => (error instanceof PluginError ? error.code : error),
      ),
    ),
  )
  await inspectors.close()
  assert.deepEqual(await codes, Array(4).fill('ERR_VERIFY_STOPPED'))
})
