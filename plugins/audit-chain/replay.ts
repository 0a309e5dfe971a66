import {
  type Block,
  type BlockHeader,
  bytesEqual,
  type ChainRecord,
  type ChainState,
  type CryptoProvider,
  commitmentOf,
  decodeBlock,
  decodeChainState,
  decodeLeaf,
  decodeRecord,
  ErasureLedger,
  emptyChainState,
  type Frontier,
  type Genesis,
  isRotation,
  isSameP256,
  type KeyRegistry,
  leafHash,
  type P256PublicKey,
  ProtocolError,
  parseErasure,
  parseGenesis,
  parseKeyEvent,
  parseSignedHeader,
  type RotationPlace,
  type SignedHeader,
  verifyRotationProof,
  verifySignedHeader,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { readBlock } from './read-block.ts'
import { type SignedSnapshot, type SnapshotStore, type StoredMemories, storedMemoriesOf } from './snapshots.ts'
import type { AuditStore } from './store.ts'

/** What the start found in the store. */
export interface RestoredChain {
  readonly state: ChainState
  /** Undefined when the chain is new. */
  readonly genesis: Genesis | undefined
  /** Records that the snapshot covered; 0 without one that the next start can believe. */
  readonly covered: number
  /** What of the snapshot is true as it lies there. */
  readonly stored: StoredMemories
}

export interface RestoreOptions {
  readonly store: AuditStore
  readonly crypto: CryptoProvider
  readonly registry: KeyRegistry
  /** Broker keys whose private halves are at hand, at least one; one of them has to be in force at the end of the chain. */
  readonly brokerKeys: readonly P256PublicKey[]
  /** Content of the head file. */
  readonly head: Uint8Array | undefined
  /** Where the walk may begin later than at the genesis. Absent: the whole chain is walked. */
  readonly snapshots?: SnapshotStore
  /** Told of a snapshot that is not used: ERR_SNAPSHOT_INVALID. */
  readonly onWarning?: (error: PluginError) => void
}

/**
 * Brings a chain back: checks that its end fits the state written with it and the head kept outside, then walks it from
 * the newest snapshot on, or from the genesis where there is none that can be believed, to fill the key registry. Bodies
 * and signatures, and what lies below a snapshot, are left to `audit verify`.
 * @throws {PluginError} ERR_CHAIN_DAMAGED, ERR_CHAIN_ROLLED_BACK, ERR_CHAIN_FORKED, ERR_CHAIN_KEY_MISMATCH
 */
export async function restoreChain(options: RestoreOptions): Promise<RestoredChain> {
  const { store, crypto, head } = options
  const encodedState = await store.readState()
  const newest = await store.blockAt(Number.MAX_SAFE_INTEGER)
  if (encodedState === undefined || newest === undefined) {
    if (encodedState !== undefined || newest !== undefined) throw damaged('blocks and state do not belong together')
    if (head !== undefined) throw rolledBack('it is empty, the head file knows one that is not', emptyBelow(head))
    return { state: emptyChainState(crypto), genesis: undefined, covered: 0, stored: new Map() }
  }
  try {
    const state = decodeChainState(encodedState, crypto)
    const newestBlock = decodeBlock(newest.encoded)
    if (!isStateAfter(newestBlock, state, crypto)) {
      throw damaged(`block ${newestBlock.header.height} is not the one that the state was written with`)
    }
    const snapshot = await usableSnapshot(options)
    const stored = storedMemoriesOf(snapshot)
    const genesis = await walk(options, snapshot)
    await checkSigners(options, newestBlock)
    if (head !== undefined) await checkHead(options, head)
    // One that a replaced key signed is worth nothing to the next start, which has only the new one.
    const { broker } = options.registry.notary
    const isLasting = snapshot !== undefined && broker !== undefined && isSameP256(snapshot.signer, broker)
    return { state, genesis, covered: isLasting ? snapshot.state.frontier.size : 0, stored }
  } catch (error) {
    if (error instanceof ProtocolError) throw damaged(error.message, error)
    throw error
  }
}

/** The newest snapshot, if the broker signed it and the chain was at that point what it says. */
async function usableSnapshot(options: RestoreOptions): Promise<SignedSnapshot | undefined> {
  const { crypto, brokerKeys, snapshots, onWarning } = options
  try {
    const snapshot = await snapshots?.read(brokerKeys, crypto)
    if (snapshot !== undefined) await checkStandsOn(options, snapshot.state)
    return snapshot
  } catch (error) {
    if (!(error instanceof PluginError) || error.code !== 'ERR_SNAPSHOT_INVALID') throw error
    onWarning?.(error)
    return undefined
  }
}

/** Checks that a snapshot was taken after a block of this very chain. @throws {PluginError} ERR_SNAPSHOT_INVALID */
async function checkStandsOn({ store, crypto }: RestoreOptions, state: ChainState): Promise<void> {
  const block = await readBlock(store, state.frontier.size - 1)
  if (block === undefined || !isStateAfter(block, state, crypto)) {
    const height = state.height - 1
    throw new PluginError('ERR_SNAPSHOT_INVALID', `the snapshot is not used: the chain has no such block ${height}`)
  }
}

/** Whether this is the state that the chain had after this block. */
function isStateAfter({ header, encodedHeader }: Block, state: ChainState, crypto: CryptoProvider): boolean {
  return (
    state.height === header.height + 1 &&
    state.frontier.size === header.treeSize &&
    state.timeMs === header.timeMs &&
    bytesEqual(state.previousHash, crypto.sha256(encodedHeader)) &&
    bytesEqual(state.frontier.root(), header.rootHash)
  )
}

/**
 * Checks that the newest header is signed by the key that was in force, and that the one in force now is at hand. All
 * that was walked hangs on this: the headers are linked to the newest one, and a new key answers for those before it.
 */
async function checkSigners(options: RestoreOptions, newest: Block): Promise<void> {
  const { crypto, brokerKeys, registry } = options
  const { broker } = registry.notary
  if (broker === undefined || !brokerKeys.some((key) => isSameP256(key, broker))) {
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', 'keys/broker.pem is not the key that signs this chain')
  }
  await checkSignature(newest, 'the newest block', registry, crypto)
}

/** @throws {PluginError} ERR_CHAIN_KEY_MISMATCH: not signed by the key that was in force then */
async function checkSignature(
  { header, signed }: SignedHeader,
  what: string,
  { notary }: KeyRegistry,
  crypto: CryptoProvider,
): Promise<void> {
  try {
    await verifySignedHeader(signed, notary.brokerAt(header.firstIndex), crypto)
  } catch (cause) {
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', `${what} is not signed by the broker key`, {}, cause)
  }
}

/** Sizes of an empty chain and of the one that a head file knows. */
function emptyBelow(head: Uint8Array): { readonly treeSize: number; readonly keptSize: number } {
  try {
    return { treeSize: 0, keptSize: parseSignedHeader(head).header.treeSize }
  } catch (error) {
    if (error instanceof ProtocolError) throw damaged(`the head file: ${error.message}`, error)
    throw error
  }
}

async function checkHead({ store, crypto, registry }: RestoreOptions, head: Uint8Array): Promise<void> {
  const kept = parseSignedHeader(head)
  await checkSignature(kept, 'the head file', registry, crypto)
  const { height, firstIndex, treeSize: keptSize } = kept.header
  const block = await readBlock(store, firstIndex)
  if (block === undefined || block.header.height < height) {
    const treeSize = block?.header.treeSize ?? 0
    throw rolledBack(
      `it ends with record ${treeSize - 1} in block ${block?.header.height}, the head file knows records up to ` +
        `${keptSize - 1} in block ${height}; ${keptSize - treeSize} from record ${treeSize} on are missing`,
      { treeSize, keptSize },
    )
  }
  if (!bytesEqual(block.encodedHeader, kept.encodedHeader)) {
    throw new PluginError(
      'ERR_CHAIN_FORKED',
      `the chain was forked: block ${height}, which ends with record ${keptSize - 1}, is another than the one in the ` +
        `head file. ${whatToDo}`,
      { treeSize: block.header.treeSize, keptSize },
    )
  }
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

/** @returns what the chain began with */
async function walk(options: RestoreOptions, snapshot: SignedSnapshot | undefined): Promise<Genesis> {
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
  { registry, crypto }: RestoreOptions,
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

/** ERR_CHAIN_DAMAGED. @param what is wrong with the chain */
export function damaged(what: string, cause?: unknown): PluginError {
  return new PluginError('ERR_CHAIN_DAMAGED', `the chain is damaged: ${what}`, {}, cause)
}

function rolledBack(what: string, details: { readonly treeSize: number; readonly keptSize: number }): PluginError {
  return new PluginError('ERR_CHAIN_ROLLED_BACK', `the chain was rolled back: ${what}. ${whatToDo}`, details)
}

/** Ends the message of a start that is refused. */
export const whatToDo = 'Nothing was changed. "notarymq audit recover --db DIR" explains what can be done'
