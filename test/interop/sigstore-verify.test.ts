import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type LogCheckpoint, verifyCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js'
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js'
import { readEntry } from '../../plugins/audit-chain/read-block.ts'
import { type AuditChain, nativeCrypto } from '../../plugins/index.ts'
import { inclusionProof, parseVerifierKey, toBase64url } from '../../protocol/index.ts'
import { appendPublishes, checkpointOf, openChain } from '../helpers/checkpointed-chain.ts'

type Entry = Parameters<typeof verifyMerkleInclusion>[0]
type TrustedLogs = Parameters<typeof verifyCheckpoint>[1]

/** Enough for paths of every shape, and a second tile. */
const records = 300

/** The log as that library knows logs: found by its key id, and by a URL that the name of the key occurs in. */
function trustedLog(vkey: string): TrustedLogs {
  const { name, keyId, publicKey } = parseVerifierKey(vkey, nativeCrypto)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64url(publicKey) }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const validFor = { start: new Date(0), end: new Date(8.64e15) }
  return [{ logID: Buffer.from(keyId), publicKey: key, baseURL: `https://${name}`, validFor }]
}

async function checkpointed(t: TestContext): Promise<{ chain: AuditChain; note: string; treeSize: number }> {
  const chain = await openChain(t)
  await appendPublishes(chain, records)
  return { chain, ...(await checkpointOf(chain)) }
}

async function entryOf(chain: AuditChain, index: number, treeSize: number, note: string): Promise<Entry> {
  const { leaf } = (await readEntry(chain.store, index)) ?? assert.fail('no entry')
  const { path } = await inclusionProof(index, treeSize, chain.tiles, nativeCrypto)
  const inclusion = {
    logIndex: String(index),
    treeSize: String(treeSize),
    rootHash: Buffer.from(chain.state.frontier.root()),
    hashes: path.map((hash) => Buffer.from(hash)),
    checkpoint: { envelope: note },
  }
  return { canonicalizedBody: Buffer.from(leaf), inclusionProof: inclusion } as unknown as Entry
}

test('@sigstore/verify takes the signature of our checkpoints and every inclusion proof under them', async (t) => {
  const { chain, note, treeSize } = await checkpointed(t)
  assert.equal(treeSize, records + 1)
  const logs = trustedLog(chain.logVkey)
  for (let index = 0; index < treeSize; index++) {
    const entry = await entryOf(chain, index, treeSize, note)
    const checkpoint: LogCheckpoint = verifyCheckpoint(entry as Parameters<typeof verifyCheckpoint>[0], logs)
    assert.equal(checkpoint.logSize, BigInt(treeSize))
    verifyMerkleInclusion(entry, checkpoint)
  }
})

test('@sigstore/verify refuses our checkpoint under another key, and our proof for another leaf', async (t) => {
  const { chain, note, treeSize } = await checkpointed(t)
  const entry = await entryOf(chain, 7, treeSize, note)
  const stranger = await checkpointed(t)
  const refused = { code: 'TLOG_INCLUSION_PROOF_ERROR' }
  assert.throws(
    () => verifyCheckpoint(entry as Parameters<typeof verifyCheckpoint>[0], trustedLog(stranger.chain.logVkey)),
    refused,
  )
  const checkpoint = verifyCheckpoint(entry as Parameters<typeof verifyCheckpoint>[0], trustedLog(chain.logVkey))
  const other = await entryOf(chain, 8, treeSize, note)
  assert.throws(
    () => verifyMerkleInclusion({ ...other, inclusionProof: entry.inclusionProof } as Entry, checkpoint),
    refused,
  )
})
