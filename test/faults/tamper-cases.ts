import assert from 'node:assert/strict'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PluginErrorCode } from '../../plugins/index.ts'
import type { ChainFault } from '../../protocol/index.ts'
import { publicPem } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import type { NotarisedData } from '../helpers/notarised-data.ts'
import { type BlockTable, flip } from '../helpers/tampering.ts'

/** What somebody who may write to the disk does, and what becomes of it. */
export interface TamperCase {
  readonly name: string
  /** Changes the blocks of the copy. */
  readonly blocks?: (blocks: BlockTable) => Promise<unknown>
  /** Changes its files. */
  readonly files?: (location: string) => unknown
  /** What `audit verify --db` finds; nothing: the chain itself is whole. */
  readonly finds?: readonly [cause: ChainFault, block: number, index: number]
  /** Why the broker does not start on it; nothing: it starts, and only `audit verify` tells. */
  readonly refuses?: PluginErrorCode
  /** Whether the program is run too, to read what it says; it takes a second. */
  readonly isPrinted?: true
}

/** The block that most cases alter: a signed publish at its start, unsigned ones behind it. */
function targetOf({ records, firstIndexes }: NotarisedData) {
  const target = records.find(({ record }) => record.topic === 'plant/mixed' && record.outcome === 'signed')
  assert.ok(target !== undefined)
  const { block, index } = target
  assert.equal(firstIndexes[block], index)
  const size = (firstIndexes[block + 1] ?? 0) - index
  assert.ok(block > 2 && block < firstIndexes.length - 3 && size >= 5, 'a block in the middle with several records')
  return { block, index, size }
}

/** Changes the envelope inside the stored record. */
function flipEnvelope(record: Uint8Array, envelope: Uint8Array | undefined): void {
  const at = Buffer.from(record).indexOf(envelope ?? assert.fail('the target is signed'))
  assert.ok(at > 0)
  flip(record, at + 40)
}

/** @param others head files that do not belong to this chain */
export function tamperCases(
  data: NotarisedData,
  others: { head: Uint8Array; fork: Uint8Array },
): readonly TamperCase[] {
  const { block, index, size } = targetOf(data)
  const { firstIndexes, records } = data
  const last = firstIndexes.length - 1
  const next = firstIndexes[block + 1] as number
  const treeSize = records.length
  const headOf = (content: Uint8Array) => (location: string) => writeFileSync(join(location, 'head'), content)
  return [
    {
      name: 'a byte of a record changed',
      blocks: (blocks) => blocks.alter(index, ({ entries }) => flip(entries[2]?.record, 20)),
      finds: ['record-mismatch', block, index + 2],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a byte of a publisher envelope changed',
      blocks: (blocks) =>
        blocks.alter(index, ({ entries: [entry] }) => {
          flipEnvelope(entry?.record ?? assert.fail(), records[index]?.record.envelope)
        }),
      finds: ['record-mismatch', block, index],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a byte of the payload of an unsigned publish changed',
      blocks: (blocks) => blocks.alter(index, ({ entries }) => flip(entries[size - 1]?.body, 0)),
      finds: ['payload-mismatch', block, index + size - 1],
    },
    {
      name: 'a byte of the payload of a signed publish changed',
      blocks: (blocks) => blocks.alter(index, ({ entries }) => flip(entries[0]?.body, -1)),
      finds: ['payload-mismatch', block, index],
    },
    {
      name: 'a byte of a salt changed',
      blocks: (blocks) => blocks.alter(index, ({ entries }) => flip(entries[1]?.salt, 15)),
      finds: ['record-mismatch', block, index + 1],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a byte of a leaf changed',
      blocks: (blocks) => blocks.alter(index, ({ entries }) => flip(entries[3]?.leaf, -1)),
      finds: ['leaf-mismatch', block, index + 3],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a byte of a header changed',
      blocks: (blocks) => blocks.alter(index, ({ encodedHeader }) => flip(encodedHeader, -1)),
      finds: ['header-signature-invalid', block, index],
      // The next block links to the hash of what this header was.
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a byte of a header signature changed',
      blocks: (blocks) => blocks.alter(index, ({ signed }) => flip(signed, -1)),
      finds: ['header-signature-invalid', block, index],
    },
    {
      name: 'the first block deleted',
      blocks: (blocks) => blocks.remove(0),
      finds: ['missing-block', 0, 0],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a block in the middle deleted',
      blocks: (blocks) => blocks.remove(index),
      finds: ['missing-block', block, index],
      refuses: 'ERR_CHAIN_DAMAGED',
      isPrinted: true,
    },
    {
      name: 'the last block deleted',
      blocks: (blocks) => blocks.remove(firstIndexes[last] as number),
      finds: ['truncated-below-head', last, firstIndexes[last] as number],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'the last four blocks cut off',
      blocks: async (blocks) => {
        for (const key of firstIndexes.slice(-4)) await blocks.remove(key)
      },
      finds: ['truncated-below-head', last, firstIndexes[last - 3] as number],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'two blocks exchanged',
      blocks: async (blocks) => {
        const [one, other] = [await blocks.get(index), await blocks.get(next)]
        await blocks.put(index, other)
        await blocks.put(next, one)
      },
      finds: ['misplaced-block', block, index],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a copy of a block put between two others',
      blocks: async (blocks) => blocks.put(index + 1, await blocks.get(index)),
      finds: ['misplaced-block', block + 1, index + 1],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a copy of a block put at the end',
      blocks: async (blocks) => blocks.put(treeSize, await blocks.get(index)),
      finds: ['misplaced-block', last + 1, treeSize],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'a block replaced by garbage',
      blocks: (blocks) => blocks.put(index, Buffer.from('this is not CBOR')),
      finds: ['malformed-block', block, index],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'the whole store replaced by an older one',
      files: (location) => {
        rmSync(join(location, 'store'), { recursive: true })
        cpSync(join(data.earlier, 'store'), join(location, 'store'), { recursive: true })
      },
      finds: ['truncated-below-head', last, firstIndexes[last - 1] as number],
      refuses: 'ERR_CHAIN_ROLLED_BACK',
      isPrinted: true,
    },
    {
      name: 'the store deleted',
      files: (location) => rmSync(join(location, 'store'), { recursive: true }),
      refuses: 'ERR_CHAIN_ROLLED_BACK',
    },
    {
      name: 'the head file replaced by garbage',
      files: headOf(Buffer.from('garbage')),
      finds: ['head-invalid', 0, 0],
      refuses: 'ERR_CHAIN_DAMAGED',
    },
    {
      name: 'the head file replaced by one of another broker',
      files: headOf(others.head),
      finds: ['head-invalid', 0, 0],
      refuses: 'ERR_CHAIN_KEY_MISMATCH',
    },
    {
      name: 'the head file replaced by one of a fork of this chain',
      files: headOf(others.fork),
      finds: ['differs-from-head', last - 1, firstIndexes[last - 1] as number],
      refuses: 'ERR_CHAIN_FORKED',
      isPrinted: true,
    },
    {
      name: 'the public key of the broker replaced',
      files: (location) => writeFileSync(join(location, 'keys', 'broker.pub.pem'), publicPem(numberedKey(99))),
      finds: ['genesis-invalid', 0, 0],
      refuses: 'ERR_KEY_FILE',
    },
    {
      name: 'the state beside the blocks changed',
      blocks: async (blocks) => {
        const state = await blocks.state()
        flip(state, -1)
        await blocks.putState(state)
      },
      refuses: 'ERR_CHAIN_DAMAGED',
    },
  ]
}
