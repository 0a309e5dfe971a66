import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeptCheckpoint } from '../../../plugins/audit-verify/index.ts'
import { type AuditChain, nativeCrypto, verifyStore } from '../../../plugins/index.ts'
import { ed25519NoteSigner, signCheckpoint } from '../../../protocol/index.ts'
import { appendPublishes, checkpointOf, openChain } from '../../helpers/checkpointed-chain.ts'
import { ed25519Key } from '../../helpers/notes.ts'

const noteOf = async (chain: AuditChain) => (await checkpointOf(chain)).note

const kept = (note: string): KeptCheckpoint => ({ note, place: 'kept' })

/** @returns what was found beside the chain, or 'ok' */
async function found(chain: AuditChain, note: string, toIndex?: number) {
  const part = toIndex === undefined ? undefined : { toIndex }
  const { store } = chain
  const { ok, firstBad, checked } = await verifyStore({ store, checkpoints: [kept(note)], ...part })
  assert.ok(checked > 0)
  return ok ? 'ok' : [firstBad?.cause, firstBad?.index, firstBad?.place]
}

test('a chain that extends a kept checkpoint verifies', async (t) => {
  const chain = await openChain(t, { origin: 'example.com/one' })
  const first = await noteOf(chain)
  await appendPublishes(chain, 3)
  const second = await noteOf(chain)
  await appendPublishes(chain, 2)
  for (const note of [first, second]) assert.equal(await found(chain, note), 'ok')
  const { store } = chain
  assert.equal((await verifyStore({ store, checkpoints: [kept(first), kept(second)] })).ok, true)
})

test('a checkpoint that was altered, cut, or signed by somebody else is found', async (t) => {
  const chain = await openChain(t, { origin: 'example.com/one' })
  await appendPublishes(chain, 2)
  const note = await noteOf(chain)
  const other = await openChain(t, { origin: 'example.com/two' })
  const forger = ed25519NoteSigner('example.com/one', ed25519Key(1), nativeCrypto)
  const tree = { origin: 'example.com/one', treeSize: 3n, rootHash: chain.state.frontier.root() }
  const invalid = ['checkpoint-invalid', 0, 'kept']
  for (const wrong of [
    note.replace('\n3\n', '\n2\n'),
    note.slice(0, -3),
    '',
    await noteOf(other),
    signCheckpoint(tree, forger),
  ]) {
    assert.notEqual(wrong, note)
    assert.deepEqual(await found(chain, wrong), invalid)
  }
})

test('a chain that was cut off, or made anew, below a kept checkpoint is found', async (t) => {
  const chain = await openChain(t, { origin: 'example.com/one' })
  await appendPublishes(chain, 2)
  const signer = ed25519NoteSigner('example.com/one', chain.logKey, nativeCrypto)
  const sign = (treeSize: bigint, rootHash: Uint8Array) =>
    signCheckpoint({ origin: 'example.com/one', treeSize, rootHash }, signer)
  const longer = sign(9n, new Uint8Array(32))
  assert.deepEqual(await found(chain, longer), ['checkpoint-mismatch', 3, 'kept'])
  assert.deepEqual(await found(chain, sign(3n, new Uint8Array(32))), ['checkpoint-mismatch', 0, 'kept'])
  // Of a part nobody can say it.
  assert.equal(await found(chain, longer, 1), 'ok')
  assert.deepEqual(await found(chain, sign(2n, new Uint8Array(32)), 1), ['checkpoint-mismatch', 0, 'kept'])
})
