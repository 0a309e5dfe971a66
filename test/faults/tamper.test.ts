import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AuditVerifyResult } from '../../protocol/index.ts'
import { spawnBroker, startBroker } from '../helpers/broker.ts'
import { runHere } from '../helpers/cli.ts'
import { numberedKey } from '../helpers/keys.ts'
import { type NotarisedData, notarisedData, notarisedPolicy } from '../helpers/notarised-data.ts'
import { runCli } from '../helpers/processes.ts'
import { copyOfData } from '../helpers/stored-chain.ts'
import { tamper } from '../helpers/tampering.ts'
import { type TamperCase, tamperCases } from './tamper-cases.ts'

/** The head files of another broker, and of a broker that went on from the earlier copy with other publishes. */
async function otherHeads(t: TestContext, { earlier }: NotarisedData): Promise<{ head: Uint8Array; fork: Uint8Array }> {
  const other = await startBroker(t)
  await other.broker.close()
  // Under the same policy: another one would be a record of its own.
  const fork = await startBroker(t, { location: copyOfData(t, earlier), protect: notarisedPolicy })
  await fork.broker.chain.enroll(numberedKey(77), 'fork')
  await fork.broker.close()
  return { head: readFileSync(join(other.location, 'head')), fork: readFileSync(join(fork.location, 'head')) }
}

/** Runs `audit verify --db` on the altered copy and compares exit code, block, index and cause. */
async function assertFound(location: string, { finds, name }: TamperCase): Promise<void> {
  const { code, stdout, stderr } = await runHere('audit', 'verify', '--db', location, '--json')
  if (name === 'the store deleted') {
    assert.deepEqual([code, /there is no store/.test(stderr)], [2, true])
    return
  }
  const result = JSON.parse(stdout) as AuditVerifyResult
  const found = result.firstBad && [result.firstBad.cause, result.firstBad.block, result.firstBad.index]
  assert.deepEqual(found, finds)
  assert.deepEqual([code, result.ok], finds === undefined ? [0, true] : [1, false])
}

/** Starts the broker on the altered copy: refused with this code, or not refused. */
async function assertStart(t: TestContext, location: string, { refuses }: TamperCase): Promise<void> {
  if (refuses !== undefined) {
    await assert.rejects(startBroker(t, { location }), { name: 'PluginError', code: refuses })
    return
  }
  const { broker } = await startBroker(t, { location })
  await broker.close()
}

/** The program itself, which ends with exit code 1 and says why. */
async function assertPrinted(t: TestContext, location: string, { refuses }: TamperCase): Promise<void> {
  const printed = new RegExp(`ended with 1 before it was running:.*Error: ${refuses}: .`, 's')
  await assert.rejects(spawnBroker(t, { location }), { message: printed })
}

test('whatever is altered on disk is found, and where the start can see it the broker refuses to run', {
  concurrency: 2,
}, async (t) => {
  const data = await notarisedData(t)
  const whole = await runCli(t, ['audit', 'verify', '--db', data.location, '--json'])
  const expected = { ok: true, checked: data.records.length, signatures: 4, erased: { bodies: 0, records: 0 } }
  assert.deepEqual([whole.code, JSON.parse(whole.stdout)], [0, expected])
  const cases = tamperCases(data, await otherHeads(t, data))
  const runs = cases.map((altered) =>
    t.test(altered.name, async (one) => {
      const location = copyOfData(one, data.location)
      const { blocks, files } = altered
      // Without a snapshot the start looks at everything; with one, what lies below it is for `audit verify`.
      await tamper(location, (table) => table.forgetSnapshot())
      if (blocks !== undefined) await tamper(location, blocks)
      files?.(location)
      await assertFound(location, altered)
      await assertStart(one, location, altered)
      if (altered.isPrinted) await assertPrinted(one, location, altered)
    }),
  )
  await Promise.all(runs)
})
