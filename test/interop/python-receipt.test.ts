import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  checkpointText,
  consistencyReceipt,
  encodeSignedNote,
  encodeTlogProof,
  inclusionReceipt,
  signatureBy,
  toHex,
} from '../../protocol/index.ts'
import { withBitFlipped } from '../helpers/bits.ts'
import { keyMeriadoc } from '../helpers/keys.ts'
import { naiveConsistency, naiveInclusion, naiveRoot, numberedLeafHashes } from '../helpers/naive-tree.ts'
import { logKey, witnessKey } from '../helpers/notes.ts'
import { pythonJson, runPython } from '../helpers/python.ts'
import { receiptIssuer, receiptTime, signedRootOf } from '../helpers/receipts.ts'
import { hasPython } from '../helpers/tools.ts'

const script = 'verify_receipt.py'
const leaves = numberedLeafHashes(13)
const root = signedRootOf(leaves)
const rootHex = toHex(root.rootHash)
const brokerKey = { x: toHex(keyMeriadoc.x), y: toHex(keyMeriadoc.y) }
const log = logKey(receiptIssuer, 1)
const witness = witnessKey('example.com/w1', 2)
const vkeys = [log.vkey, witness.vkey]
const text = checkpointText({ origin: receiptIssuer, treeSize: 13n, rootHash: root.rootHash })
const signatures = [log, witness].map(({ signer }) => signatureBy(signer, text))
const checkpoint = encodeSignedNote({ text, signatures })
const opened = { origin: receiptIssuer, size: 13, root: rootHex, signedBy: [receiptIssuer, 'example.com/w1'] }

function inclusionJob(index: number, alter = (receipt: Uint8Array) => receipt): string {
  const receipt = inclusionReceipt(root, { leafIndex: BigInt(index), path: naiveInclusion(index, leaves) })
  const leaf = toHex(leaves[index] as Uint8Array)
  return JSON.stringify({ job: 'inclusion', receipt: toHex(alter(receipt)), leaf, ...brokerKey })
}

function consistencyJob(size: number, newer = rootHex): string {
  const path = naiveConsistency(size, leaves)
  const receipt = toHex(consistencyReceipt(root, { size1: BigInt(size), path }))
  const older = toHex(naiveRoot(leaves.slice(0, size)))
  return JSON.stringify({ job: 'consistency', receipt, older, newer, ...brokerKey })
}

function tlogProofJob(index: number, leafIndex = index): string {
  const proof = encodeTlogProof({ leafIndex: BigInt(leafIndex), path: naiveInclusion(index, leaves), checkpoint })
  return JSON.stringify({ job: 'tlog-proof', proof, leaf: toHex(leaves[index] as Uint8Array), vkeys })
}

const checkpointJob = (note: string) => JSON.stringify({ job: 'checkpoint', checkpoint: note, vkeys })

async function isRefused(t: TestContext, job: string): Promise<boolean> {
  const { code, stdout } = await runPython(t, [script, job])
  return code === 1 && stdout === ''
}

test('cryptography and cbor2 find our receipts of inclusion valid, and read in them what we wrote', async (t) => {
  if (!hasPython(t)) return
  const indexes = leaves.map((_, index) => index)
  const found = await pythonJson(t, [script, ...indexes.map((index) => inclusionJob(index))])
  const common = { issuer: receiptIssuer, subject: 'tree/13', issuedAt: receiptTime, root: rootHex }
  assert.deepEqual(
    found,
    indexes.map((index) => ({ numbers: [13, index], ...common })),
  )
})

test('they find our receipts of consistency valid', async (t) => {
  if (!hasPython(t)) return
  const sizes = [1, 2, 3, 4, 5, 8, 12]
  const found = await pythonJson<{ numbers: number[] }>(t, [script, ...sizes.map((size) => consistencyJob(size))])
  assert.deepEqual(
    found.map(({ numbers }) => numbers),
    sizes.map((size) => [size, 13]),
  )
})

test('they open our checkpoints, cosignature included, and follow our .tlog-proof files to their roots', async (t) => {
  if (!hasPython(t)) return
  const found = await pythonJson(t, [
    script,
    checkpointJob(checkpoint),
    tlogProofJob(0),
    tlogProofJob(5),
    tlogProofJob(12),
  ])
  assert.deepEqual(found, [opened, opened, opened, opened])
})

test('they refuse what was altered: root, proof, signature, checkpoint, cosignature, index', async (t) => {
  if (!hasPython(t)) return
  const lastBit = (receipt: Uint8Array) => withBitFlipped(receipt, receipt.length * 8 - 1)
  const inPath = (receipt: Uint8Array) => withBitFlipped(receipt, (receipt.length - 80) * 8)
  const cosignature = signatureBy(witness.signer, text)
  const forgedCosignature = { ...cosignature, signature: lastBit(cosignature.signature) }
  const altered = [
    inclusionJob(5, lastBit),
    inclusionJob(5, inPath),
    consistencyJob(5, '00'.repeat(32)),
    checkpointJob(checkpoint.replace('\n13\n', '\n14\n')),
    checkpointJob(encodeSignedNote({ text, signatures: signatures.slice(1) })),
    checkpointJob(encodeSignedNote({ text, signatures: [...signatures, forgedCosignature] })),
    tlogProofJob(5, 6),
  ]
  for (const job of altered) assert.equal(await isRefused(t, job), true, job)
})
