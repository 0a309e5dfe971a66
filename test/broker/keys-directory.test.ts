import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { applyRestrictions, enrollFromDirectory } from '../../broker/keys-directory.ts'
import { AuditChain } from '../../plugins/index.ts'
import { publicPem } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

test('restrictions of the configuration are recorded when they differ, and only then', async (t) => {
  const directory = temporaryDirectory(t)
  for (const n of [1, 2]) writeFileSync(join(directory, `k${n}.pem`), publicPem(numberedKey(n)))
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  const notices: string[] = []
  const start = async (restrictions: ReadonlyMap<string, object>) => {
    const before = chain.state.frontier.size
    await enrollFromDirectory(chain, directory, (text) => notices.push(text), restrictions)
    await applyRestrictions(chain, restrictions, (text) => notices.push(text))
    return chain.state.frontier.size - before
  }
  const topics = { topics: ['a/#'] }
  assert.equal(await start(new Map([['k1', topics]])), 2, 'the restrictions are in the enrolment')
  assert.equal(await start(new Map([['k1', topics]])), 0)
  assert.equal(await start(new Map([['k1', { window: 64 }]])), 1)
  assert.deepEqual(chain.registry.named('k1')?.restrictions, { window: 64 })
  assert.equal(await start(new Map()), 0, 'a key without a line keeps what it has')
  await chain.revoke(numberedKey(1).thumbprint)
  assert.equal(
    await start(
      new Map([
        ['k1', topics],
        ['k9', topics],
      ]),
    ),
    0,
  )
  assert.deepEqual(notices.length, 2, 'the revoked key is told of, and the name that no key has')
  await chain.close()
})
