import {
  type Block,
  type BlockHeader,
  bytesEqual,
  type ChainRecord,
  type CryptoProvider,
  commitmentOf,
  decodeBlock,
  decodeLeaf,
  decodeRecord,
  ErasureLedger,
  emptyChainState,
  type Frontier,
  type Genesis,
  isRotation,
  type KeyRegistry,
  leafHash,
  ProtocolError,
  parseErasure,
  parseGenesis,
  parseKeyEvent,
  type RotationPlace,
  verifyRotationProof,
} from '../../protocol/index.ts'
import { damaged } from './chain-errors.ts'
import type { SignedSnapshot } from './snapshots.ts'
import type { AuditStore } from './store.ts'

export interface WalkOptions {
  readonly store: AuditStore
  readonly crypto: CryptoProvider
  /** Is filled. */
  readonly registry: KeyRegistry
}

/** Where a block stands in the chain. */
type Place = Pick<BlockHeader, 'height' | 'firstIndex' | 'previousHash'>

/**
 * Checks that a block stands where the ones before it lead to: a block that is gone would take its key events with it,
 * and a revoked key would be valid again.
 */
function placeAfter(
  { header, encodedHeader, entries }: Block,
  key: number,
  place: Place,
  crypto: CryptoProvider,
): Place {
  const { height, firstIndex } = place
  const follows =
    key === firstIndex &&
    header.firstIndex === firstIndex &&
    header.height === height &&
    header.count === entries.length &&
    bytesEqual(header.previousHash, place.previousHash)
  if (!follows)
    throw damaged(`block ${height}, from record ${firstIndex} on, is missing or not the one that belongs there`)
  return { height: height + 1, firstIndex: firstIndex + header.count, previousHash: crypto.sha256(encodedHeader) }
}

/**
 * Walks a chain to fill the key registry, from a snapshot on or from the genesis.
 * @returns what the chain began with
 * @throws {PluginError} ERR_CHAIN_DAMAGED
 */
export async function walkChain(options: WalkOptions, snapshot: SignedSnapshot | undefined): Promise<Genesis> {
  const { store, crypto, registry } = options
  const from = snapshot?.state ?? emptyChainState(crypto)
  const frontier = from.frontier.clone()
  const { notary } = registry
  if (snapshot !== undefined) {
    notary.restore(snapshot.notary)
    registry.restoreBefore(snapshot.before)
  }
  let origin = snapshot?.origin
  let next: Place = { height: from.height, firstIndex: frontier.size, previousHash: from.previousHash }
  for (const { key } of snapshot?.keys ?? []) registry.restore(key)
  const erasures = new ErasureLedger()
  for await (const stored of store.blocks(next.firstIndex)) {
    // The walk begins with the block that holds the index: the one that the snapshot was taken after, when none does.
    if (stored.firstIndex < frontier.size && frontier.size === from.frontier.size) continue
    const { height, firstIndex } = next
    try {
      const block = decodeBlock(stored.encoded)
      const place = next
      next = placeAfter(block, stored.firstIndex, place, crypto)
      checkCovered(block, frontier, crypto)
      for (const [i, entry] of block.entries.entries()) {
        const index = firstIndex + i
        if (entry.record === undefined) {
          erasures.missing('records', index, height)
          continue
        }
        const record = decodeRecord(entry.record)
        if (record.kind === 'genesis') ({ origin } = parseGenesis(record, crypto))
        if (record.kind === 'erasure') erasures.announced(parseErasure(record))
        if (record.kind === 'key')
          await enterKeyEvent(record, index, block, { ...place, origin: origin ?? '' }, options)
        // What was signed and should not have been recorded is for `audit verify`; a key event decides what is accepted.
        else registry.enter(record, index)
      }
    } catch (error) {
      if (error instanceof ProtocolError)
        throw damaged(`block ${height}, from record ${firstIndex} on: ${error.message}`, error)
      throw error
    }
  }
  // It may have been a key event that somebody wants forgotten.
  const [hole] = erasures.unannounced()
  if (hole !== undefined) throw damaged(`record ${hole.index} is gone, and no erasure record says so`)
  const [[broker], [log]] = [notary.brokers, notary.logs]
  if (origin === undefined || broker === undefined || log === undefined) throw damaged('there is no genesis record')
  const continues = registry.before?.continues
  return { origin, brokerKey: broker.key, logKey: log.key, ...(continues === undefined ? undefined : { continues }) }
}

/**
 * Of key events only those that change the keys of the notary carry something that decides about the chain itself.
 * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_*, ERR_CBOR_*, ERR_COSE_*
 */
async function enterKeyEvent(
  record: ChainRecord,
  index: number,
  { entries }: Block,
  place: RotationPlace,
  { registry, crypto }: WalkOptions,
): Promise<void> {
  const event = parseKeyEvent(record, crypto)
  if (isRotation(event)) {
    if (entries.length !== 1) throw damaged('a key of the notary was changed in a block with other records')
    await verifyRotationProof(event, place, crypto)
  }
  if (!registry.apply(event, index)) throw damaged(`record ${index}`)
}

/**
 * Checks records against their leaves and leaves against the root. The headers are linked to the newest one, whose
 * signature was verified: so what the registry and the windows are filled from is what the broker once wrote.
 */
function checkCovered({ header, entries }: Block, frontier: Frontier, crypto: CryptoProvider): void {
  for (const [i, entry] of entries.entries()) {
    frontier.append(leafHash(entry.leaf, crypto))
    const { commitment } = decodeLeaf(entry.leaf)
    if (entry.record === undefined) continue
    if (!bytesEqual(commitment, commitmentOf(entry.salt, entry.record, crypto))) {
      throw damaged(`block ${header.height}: record ${header.firstIndex + i} was altered`)
    }
  }
  if (!bytesEqual(frontier.root(), header.rootHash)) {
    throw damaged(`block ${header.height}, from record ${header.firstIndex} on: a leaf was altered`)
  }
}
