import { type BlockEntry, decodeBlock, decodeRecord, ProtocolError, type StoreFinding } from '../../protocol/index.ts'
import type { AuditStore } from '../audit-chain/index.ts'
import { briskPace } from '../pace.ts'

/** Something in the store that refers to a record. */
export interface RecordReference {
  readonly index: number
  /** Says where it is, e.g. `queue of press-7`. */
  readonly place: string
}

/** References looked up together, in the order of their indexes, so that neighbours share the reading of a block. */
const groupSize = 16_384

/** @returns the first one found that refers to no publish */
export async function checkReferences(
  store: Pick<AuditStore, 'blockAt'>,
  references: AsyncIterable<RecordReference>,
  treeSize: number,
): Promise<StoreFinding | undefined> {
  let group: RecordReference[] = []
  for await (const reference of references) {
    group.push(reference)
    if (group.length < groupSize) continue
    const dangling = await firstDangling(store, group, treeSize)
    if (dangling !== undefined) return dangling
    group = []
  }
  return firstDangling(store, group, treeSize)
}

async function firstDangling(
  store: Pick<AuditStore, 'blockAt'>,
  group: readonly RecordReference[],
  treeSize: number,
): Promise<StoreFinding | undefined> {
  const pace = briskPace()
  let block: ReadBlock = { height: 0, firstIndex: 0, entries: [] }
  for (const { index, place } of [...group].sort((a, b) => a.index - b.index)) {
    if (pace.isTired) await pace.rest()
    if (index >= block.firstIndex + block.entries.length) block = (await readBlockAt(store, index)) ?? block
    const entry = block.entries[index - block.firstIndex]
    if (index < treeSize && entry !== undefined && isPublish(entry)) continue
    return { cause: 'reference-dangling', block: block.height, index, place }
  }
  return undefined
}

interface ReadBlock {
  readonly height: number
  readonly firstIndex: number
  readonly entries: readonly BlockEntry[]
}

async function readBlockAt(store: Pick<AuditStore, 'blockAt'>, index: number): Promise<ReadBlock | undefined> {
  const stored = await store.blockAt(index)
  if (stored === undefined) return undefined
  try {
    const { header, entries } = decodeBlock(stored.encoded)
    return { height: header.height, firstIndex: stored.firstIndex, entries }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function isPublish({ record }: BlockEntry): boolean {
  try {
    return record !== undefined && decodeRecord(record).kind === 'publish'
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
