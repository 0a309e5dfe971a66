import type { PluginErrorCode } from '../../plugins/index.ts'
import {
  type BlockEntry,
  commitmentOf,
  decodeBlock,
  ed25519NoteSigner,
  encodeBlock,
  encodeLeaf,
  type Genesis,
  headerOfBlock,
  type KeptEntry,
  parseSignedHeader,
  signCheckpoint,
  type VerifyFault,
} from '../../protocol/index.ts'
import { type StoredBlock, TestChain } from '../helpers/chain.ts'
import { entryOf, kept, withEntry } from '../helpers/faults.ts'
import { genesis, goldenChain, startMs, unsignedPublish } from '../helpers/golden-chain.ts'
import { key11, numberedKey, publicOf } from '../helpers/keys.ts'
import { ed25519Key } from '../helpers/notes.ts'

// One row per attack, one column per thing that is attacked. Another column is one more key in `Target` and in each row.

export type Attack = 'flip' | 'delete' | 'swap' | 'insert' | 'truncate' | 'replay' | 're-sign' | 'rebuild'
export type Target = 'record' | 'salt' | 'body' | 'leaf' | 'tile' | 'header' | 'checkpoint' | 'registry'

/**
 * What `audit verify` has to say: cause, block, index, and how many records cannot be vouched for. Where leaves are lost
 * that no full tile has, those behind them are lost with them: 8 for block 5 and 6.
 */
export type Finds = readonly [cause: VerifyFault, block: number, index: number, bad: number]

export interface Tampered {
  readonly finds: Finds
  /** Why a start refuses that asks whoever kept the checkpoint; default: only `audit verify` is asked. */
  readonly refuses?: PluginErrorCode
  readonly blocks?: readonly StoredBlock[]
  /** Of the chain that was tampered with, whose tiles are in the store; default: the honest one. */
  readonly from?: readonly StoredBlock[]
  /** Signed header that was kept beside the chain; default: the newest of the honest one. */
  readonly head?: Uint8Array
  /** Checkpoint that somebody kept; default: the newest one. */
  readonly checkpoint?: string
  /** What becomes of the one tile that is full; `undefined` as result: it is deleted. */
  readonly tile?: (hashes: Uint8Array) => Uint8Array | undefined
}

/** What no verification can find, since it is only asked for what is there: a start does. */
export interface Missing {
  readonly refuses: PluginErrorCode
}

/** An attack, or why there is no such attack. */
export type Cell = Tampered | Missing | string

const laterMs = startMs + 5000
const publishes = (chain: TestChain, count: number, text: string) =>
  Array.from({ length: count }, (_, i) => {
    return unsignedPublish({ topic: 't', body: Buffer.from(`${text} ${i}`), timeMs: laterMs }, chain.crypto)
  })

const logKey = ed25519Key(1)
/** Of the example, but for a log key whose private half is at hand. */
export const named: Genesis = { ...genesis, logKey: logKey.publicKey }

/** Golden blocks 0 to 3 with records 0 to 5; block 4: 6 to 305, so that a tile is full; 5: 306 to 310; 6: 311 to 313. */
export function matrixChain(): TestChain {
  const chain = goldenChain(4, named)
  for (const [height, count] of [300, 5, 3].entries()) chain.append(publishes(chain, count, `${height}`), laterMs)
  return chain
}

const chain = matrixChain()
export const honest: readonly StoredBlock[] = chain.blocks
const block = (height: number) => honest[height] as StoredBlock
const [b1, b5, b6] = [block(1), block(5), block(6)]
/** The record that is attacked: the third one of block 5. */
const at = 2
const index = 308

const altered = (height: number, changed: StoredBlock) => honest.with(height, changed)
const changed = (bytes: Uint8Array | undefined) =>
  Uint8Array.from(bytes ?? [], (byte, i) => (i === 20 ? byte ^ 1 : byte))
const inEntry = (changes: Partial<KeptEntry>) => altered(5, withEntry(b5, at, changes))
const entry = entryOf(b5, at)
const neighbour = entryOf(b5, at + 1)
const withEntries = (stored: StoredBlock, change: (entries: BlockEntry[]) => BlockEntry[]): StoredBlock => {
  const { signed, entries } = decodeBlock(stored.encoded)
  return { ...stored, encoded: encodeBlock(signed, change([...entries])).slice() }
}
const swapped = (name: keyof BlockEntry) =>
  altered(5, withEntry(withEntry(b5, at, { [name]: neighbour[name] }), at + 1, { [name]: entry[name] }))

/** The signed header of block 5 replaced, its entries kept. */
const withHeader = (signed: Uint8Array) =>
  altered(5, { ...b5, encoded: encodeBlock(signed, decodeBlock(b5.encoded).entries) })
const encodedHeader5 = parseSignedHeader(b5.signed).encodedHeader
const stranger = new TestChain(key11, chain.crypto)
/** The same broker went another way from block 5 on. */
const fork = goldenChain(4, named)
fork.append(publishes(fork, 300, 'other'), laterMs)
/** Everything anew from block 1 on, by somebody who has the broker key. */
const rebuilt = goldenChain(1, named)
for (const count of [2, 2, 1, 300, 5, 3]) rebuilt.append(publishes(rebuilt, count, 'rebuilt'), laterMs)

const headOf = ({ blocks }: TestChain) => (blocks.at(-1) as StoredBlock).signed
/** Everything as it was, under keys that somebody else has. */
const strange = numberedKey(13)
const resigned = goldenChain(4, { ...named, brokerKey: publicOf(strange) }, strange)
for (const [height, count] of [300, 5, 3].entries()) resigned.append(publishes(resigned, count, `${height}`), laterMs)

/** Blocks from 5 on made anew by somebody who has the broker key, with one entry changed and its leaf made for it. */
function rebuiltWith(changes: Partial<KeptEntry>): readonly StoredBlock[] {
  const forger = goldenChain(4, named)
  forger.append(publishes(forger, 300, '0'), laterMs)
  for (const { encoded } of [b5, b6]) {
    const entries = decodeBlock(encoded).entries.map((one, i) =>
      encoded === b5.encoded && i === at ? withItsLeaf({ ...entry, ...changes }) : one,
    )
    forger.appendForged({ entries, timeMs: laterMs })
  }
  return forger.blocks
}

const tree = (stored: StoredBlock) => {
  const { treeSize, rootHash } = headerOfBlock(stored.encoded).header
  return { origin: named.origin, treeSize: BigInt(treeSize), rootHash }
}
const logSigner = (n: number) => ed25519NoteSigner(named.origin, ed25519Key(n), chain.crypto)
/** The newest checkpoint of the honest chain. */
export const newest = signCheckpoint(tree(b6), logSigner(1))
const otherOrigin = 'example.com/other'
const ofOtherLog = signCheckpoint(
  { ...tree(b6), origin: otherOrigin },
  ed25519NoteSigner(otherOrigin, logKey, chain.crypto),
)

const blockOf = (what: string) =>
  `${what} are stored in blocks and have no order, end or number of their own: see header`
const noOwn = (what: string) => `nobody signs a ${what} by itself: see header`

export const matrix: Readonly<Record<Attack, Readonly<Record<Target, Cell>>>> = {
  flip: {
    record: { finds: ['record-mismatch', 5, index, 1], blocks: inEntry({ record: changed(entry.record) }) },
    salt: { finds: ['record-mismatch', 5, index, 1], blocks: inEntry({ salt: entry.salt.map((byte) => byte ^ 1) }) },
    body: { finds: ['payload-mismatch', 5, index, 1], blocks: inEntry({ body: entry.body?.map((byte) => byte ^ 1) }) },
    leaf: { finds: ['leaf-mismatch', 5, index, 1], blocks: inEntry({ leaf: changed(entry.leaf) }) },
    tile: { finds: ['tile-mismatch', 4, 0, 0], tile: changed },
    header: { finds: ['header-signature-invalid', 5, 306, 5], blocks: withHeader(flipLast(b5.signed)) },
    checkpoint: {
      finds: ['checkpoint-invalid', 0, 0, 0],
      refuses: 'ERR_ANCHOR_INVALID',
      checkpoint: newest.replace('\n314\n', '\n313\n'),
    },
    registry: {
      // With the enrolment go the publish and the revocation of its key.
      finds: ['record-mismatch', 1, 1, 3],
      blocks: altered(1, withEntry(b1, 0, { record: changed(entryOf(b1, 0).record) })),
    },
  },
  delete: {
    record: {
      finds: ['header-inconsistent', 5, 306, 8],
      blocks: altered(
        5,
        withEntries(b5, (entries) => entries.toSpliced(at, 1)),
      ),
    },
    salt: { finds: ['record-mismatch', 5, index, 1], blocks: inEntry({ salt: new Uint8Array(16) }) },
    body: { finds: ['erased-unannounced', 5, index, 1], blocks: inEntry({ body: undefined }) },
    leaf: 'a block has as many leaves as entries, else it is malformed: see record',
    tile: { finds: ['tile-missing', 4, 0, 0], tile: () => undefined },
    header: { finds: ['missing-block', 5, 306, 8], blocks: honest.toSpliced(5, 1) },
    checkpoint: { refuses: 'ERR_ANCHOR_MISSING' },
    registry: { finds: ['missing-block', 1, 1, 4], blocks: honest.toSpliced(1, 1) },
  },
  swap: {
    record: { finds: ['record-mismatch', 5, index, 2], blocks: swapped('record') },
    salt: { finds: ['record-mismatch', 5, index, 2], blocks: swapped('salt') },
    body: { finds: ['payload-mismatch', 5, index, 2], blocks: swapped('body') },
    leaf: { finds: ['leaf-mismatch', 5, index, 2], blocks: swapped('leaf') },
    tile: {
      finds: ['tile-mismatch', 4, 0, 0],
      tile: (hashes) => Uint8Array.of(...hashes.subarray(32), ...hashes.subarray(0, 32)),
    },
    header: {
      finds: ['misplaced-block', 5, 306, 8],
      blocks: [...honest.slice(0, 5), { ...b5, encoded: b6.encoded }, { ...b6, encoded: b5.encoded }],
    },
    checkpoint: { finds: ['checkpoint-invalid', 0, 0, 0], refuses: 'ERR_ANCHOR_OTHER_LOG', checkpoint: ofOtherLog },
    registry: {
      finds: ['root-mismatch', 1, 1, 4],
      blocks: altered(
        1,
        withEntries(b1, (entries) => entries.toReversed()),
      ),
    },
  },
  insert: {
    record: {
      finds: ['header-inconsistent', 5, 306, 8],
      blocks: altered(
        5,
        withEntries(b5, (entries) => entries.toSpliced(at, 0, entry)),
      ),
    },
    salt: blockOf('salts'),
    body: {
      finds: ['payload-mismatch', 3, 5, 1],
      blocks: altered(3, withEntry(block(3), 0, { body: Uint8Array.of(1) })),
    },
    leaf: 'a block has as many leaves as entries, else it is malformed: see record',
    tile: 'only the tiles that the tree has are read: another one says nothing',
    header: { finds: ['misplaced-block', 6, 307, 0], blocks: honest.toSpliced(6, 0, { ...b5, key: 307 }) },
    checkpoint: {
      finds: ['checkpoint-invalid', 0, 0, 0],
      refuses: 'ERR_ANCHOR_INVALID',
      checkpoint: newest.replace('\n\n', '\nmore\n\n'),
    },
    registry: {
      finds: ['header-inconsistent', 5, 306, 8],
      blocks: altered(
        5,
        withEntries(b5, (entries) => [...entries, entryOf(b1, 0)]),
      ),
    },
  },
  truncate: {
    record: { finds: ['record-mismatch', 5, index, 1], blocks: inEntry({ record: entry.record.subarray(0, -1) }) },
    salt: 'a salt has 16 bytes, else the block is malformed: see header',
    body: { finds: ['payload-mismatch', 5, index, 1], blocks: inEntry({ body: entry.body?.subarray(1) }) },
    leaf: { finds: ['leaf-mismatch', 5, index, 1], blocks: inEntry({ leaf: entry.leaf.subarray(0, -1) }) },
    tile: { finds: ['tile-mismatch', 4, 0, 0], tile: (hashes) => hashes.subarray(32) },
    header: { finds: ['truncated-below-head', 6, 306, 8], blocks: honest.slice(0, 5) },
    checkpoint: {
      finds: ['checkpoint-invalid', 0, 0, 0],
      refuses: 'ERR_ANCHOR_INVALID',
      checkpoint: newest.slice(0, -9),
    },
    registry: { finds: ['truncated-below-head', 6, 1, 313], blocks: honest.slice(0, 1) },
  },
  replay: {
    record: { finds: ['record-mismatch', 5, index, 1], blocks: inEntry({ record: entryOf(b6, 0).record }) },
    salt: { finds: ['record-mismatch', 5, index, 1], blocks: inEntry({ salt: entryOf(b6, 0).salt }) },
    body: { finds: ['payload-mismatch', 5, index, 1], blocks: inEntry({ body: entryOf(b6, 0).body }) },
    leaf: { finds: ['leaf-mismatch', 5, index, 1], blocks: inEntry({ leaf: entryOf(b6, 0).leaf }) },
    tile: 'a full tile never changes: there is no older copy of it',
    header: { finds: ['misplaced-block', 7, 314, 0], blocks: [...honest, { ...b5, key: 314 }] },
    // An older checkpoint is true still. With its whole store put back, a newer one that somebody kept tells.
    checkpoint: {
      finds: ['checkpoint-mismatch', 0, 311, 0],
      refuses: 'ERR_CHAIN_ROLLED_BACK',
      from: honest.slice(0, 6),
      head: b5.signed,
    },
    registry: { finds: ['misplaced-block', 7, 314, 0], blocks: [...honest, { ...b1, key: 314 }] },
  },
  're-sign': {
    record: noOwn('record of an unsigned publish'),
    salt: noOwn('salt'),
    body: noOwn('body'),
    leaf: noOwn('leaf'),
    tile: noOwn('tile'),
    header: {
      finds: ['header-signature-invalid', 5, 306, 5],
      blocks: withHeader(stranger.signer.sign(encodedHeader5)),
    },
    checkpoint: {
      finds: ['checkpoint-invalid', 0, 0, 0],
      refuses: 'ERR_ANCHOR_INVALID',
      checkpoint: signCheckpoint(tree(b6), logSigner(2)),
    },
    registry: { finds: ['genesis-invalid', 0, 0, 314], from: resigned.blocks, head: headOf(resigned) },
  },
  rebuild: {
    record: {
      finds: ['previous-hash-mismatch', 6, 311, 3],
      blocks: [...rebuiltWith({ record: forgedEntry().record, body: forgedEntry().body }).slice(0, 6), b6],
    },
    salt: { finds: ['differs-from-head', 6, 311, 3], blocks: rebuiltWith({ salt: new Uint8Array(16) }) },
    body: {
      finds: ['differs-from-head', 6, 311, 3],
      blocks: rebuiltWith({ record: forgedEntry().record, body: forgedEntry().body }),
    },
    leaf: { finds: ['root-mismatch', 5, 306, 8], blocks: altered(5, withEntry(b5, at, forgedEntry())) },
    tile: { finds: ['tile-mismatch', 4, 0, 0], tile: (hashes) => new Uint8Array(hashes.length) },
    header: { finds: ['previous-hash-mismatch', 5, 306, 8], blocks: [...fork.blocks, b5, b6] },
    checkpoint: {
      finds: ['checkpoint-mismatch', 6, 0, 0],
      refuses: 'ERR_CHAIN_FORKED',
      from: rebuilt.blocks,
      head: headOf(rebuilt),
    },
    registry: { finds: ['differs-from-head', 6, 311, 3], blocks: rebuilt.blocks },
  },
}

function flipLast(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))
}

/** Another record, with salt and leaf made anew as they should be. */
function forgedEntry(): KeptEntry {
  const [forged] = publishes(chain, 1, 'forged')
  if (forged === undefined) throw new Error('one publish')
  return withItsLeaf(kept(chain.entry(forged.record, forged.body)))
}

function withItsLeaf(made: KeptEntry): KeptEntry {
  const commitment = commitmentOf(made.salt, made.record, chain.crypto)
  return { ...made, leaf: encodeLeaf({ timeMs: laterMs, commitment }) }
}
