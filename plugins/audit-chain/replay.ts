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
  emptyChainState,
  Frontier,
  type Genesis,
  leafHash,
  noPreviousHash,
  type P256PublicKey,
  ProtocolError,
  parseGenesis,
  parseKeyEvent,
  parseSignedHeader,
  verifySignedHeader,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import type { KeyRegistry } from '../key-registry/index.ts'
import type { AuditStore } from './store.ts'

/** What the start found in the store. */
export interface RestoredChain {
  readonly state: ChainState
  /** Undefined when the chain is new. */
  readonly genesis: Genesis | undefined
}

export interface RestoreOptions {
  readonly store: AuditStore
  readonly crypto: CryptoProvider
  readonly registry: KeyRegistry
  readonly brokerKey: P256PublicKey
  /** Content of the head file. */
  readonly head: Uint8Array | undefined
}

/**
 * Brings a chain back: checks that its end fits the state written with it and the head kept outside, then walks it to
 * fill the key registry and the replay windows, which have no store of their own. Bodies and signatures are left to
 * `audit verify`.
 * @throws {PluginError} ERR_CHAIN_DAMAGED, ERR_CHAIN_ROLLED_BACK, ERR_CHAIN_FORKED, ERR_CHAIN_KEY_MISMATCH
 */
export async function restoreChain(options: RestoreOptions): Promise<RestoredChain> {
  const { store, crypto, head } = options
  const encodedState = await store.readState()
  const newest = await store.blockAt(Number.MAX_SAFE_INTEGER)
  if (encodedState === undefined || newest === undefined) {
    if (encodedState !== undefined || newest !== undefined) throw damaged('blocks and state do not belong together')
    if (head !== undefined) throw rolledBack('the store holds no chain, the head file knows one')
    return { state: emptyChainState(crypto), genesis: undefined }
  }
  try {
    const state = decodeChainState(encodedState, crypto)
    await checkEnd(options, state, newest.encoded)
    if (head !== undefined) await checkHead(options, head)
    return { state, genesis: await walk(options) }
  } catch (error) {
    if (error instanceof ProtocolError) throw damaged(error.message, error)
    throw error
  }
}

async function checkEnd(options: RestoreOptions, state: ChainState, encodedBlock: Uint8Array): Promise<void> {
  const { crypto, brokerKey } = options
  const block = decodeBlock(encodedBlock)
  try {
    await verifySignedHeader(block.signed, brokerKey, crypto)
  } catch (cause) {
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', 'the newest block is not signed by keys/broker.pem', {}, cause)
  }
  const fits =
    state.height === block.header.height + 1 &&
    state.frontier.size === block.header.treeSize &&
    state.timeMs === block.header.timeMs &&
    bytesEqual(state.previousHash, crypto.sha256(block.encodedHeader)) &&
    bytesEqual(state.frontier.root(), block.header.rootHash)
  if (!fits) throw damaged(`block ${block.header.height} is not the one that the state was written with`)
}

async function checkHead(options: RestoreOptions, head: Uint8Array): Promise<void> {
  const { store, crypto, brokerKey } = options
  const kept = parseSignedHeader(head)
  try {
    await verifySignedHeader(head, brokerKey, crypto)
  } catch (cause) {
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', 'the head file is not signed by keys/broker.pem', {}, cause)
  }
  const { height, firstIndex } = kept.header
  const stored = await store.blockAt(firstIndex)
  const block = stored === undefined ? undefined : decodeBlock(stored.encoded)
  if (block === undefined || block.header.height < height) {
    throw rolledBack(`the chain ends at block ${block?.header.height}, the head file knows block ${height}`)
  }
  if (!bytesEqual(block.encodedHeader, kept.encodedHeader)) {
    throw new PluginError('ERR_CHAIN_FORKED', `block ${height} is another than the one in the head file`, { height })
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

async function walk(options: RestoreOptions): Promise<Genesis> {
  const { store, crypto, registry } = options
  const frontier = new Frontier(crypto)
  let genesis: Genesis | undefined
  let next: Place = { height: 0, firstIndex: 0, previousHash: noPreviousHash }
  for await (const stored of store.blocks()) {
    const { height, firstIndex } = next
    try {
      const block = decodeBlock(stored.encoded)
      next = placeAfter(block, stored.firstIndex, next, crypto)
      checkCovered(block, frontier, crypto)
      for (const [i, entry] of block.entries.entries()) {
        const record = decodeRecord(entry.record)
        if (record.kind === 'genesis') genesis = parseGenesis(record, crypto)
        else applyRecord(record, firstIndex + i, registry, crypto)
      }
    } catch (error) {
      if (error instanceof ProtocolError)
        throw damaged(`block ${height}, from record ${firstIndex} on: ${error.message}`, error)
      throw error
    }
  }
  if (genesis === undefined) throw damaged('there is no genesis record')
  return genesis
}

/**
 * Checks records against their leaves and leaves against the root. The headers are linked to the newest one, whose
 * signature was verified: so what the registry and the windows are filled from is what the broker once wrote.
 */
function checkCovered({ header, entries }: Block, frontier: Frontier, crypto: CryptoProvider): void {
  for (const [i, entry] of entries.entries()) {
    frontier.append(leafHash(entry.leaf, crypto))
    const { commitment } = decodeLeaf(entry.leaf)
    if (!bytesEqual(commitment, commitmentOf(entry.salt, entry.record, crypto))) {
      throw damaged(`block ${header.height}: record ${header.firstIndex + i} was altered`)
    }
  }
  if (!bytesEqual(frontier.root(), header.rootHash)) {
    throw damaged(`block ${header.height}, from record ${header.firstIndex} on: a leaf was altered`)
  }
}

function applyRecord(record: ChainRecord, index: number, registry: KeyRegistry, crypto: CryptoProvider): void {
  if (record.kind === 'key') registry.apply(parseKeyEvent(record, crypto), index)
  else if (record.outcome === 'signed') {
    const { thumbprint, seq, contentDigest, qos = 0, retain = false } = record
    if (thumbprint === undefined || seq === undefined || contentDigest === undefined) throw damaged(`record ${index}`)
    // A copy: the view would keep the whole block in memory for as long as the window remembers it.
    const accepted = { index, contentDigest: Uint8Array.from(contentDigest), qos, retain }
    registry.resolve(thumbprint)?.window.accept(seq, accepted)
  }
}

function damaged(what: string, cause?: unknown): PluginError {
  return new PluginError('ERR_CHAIN_DAMAGED', `the chain is damaged: ${what}`, {}, cause)
}

function rolledBack(what: string): PluginError {
  return new PluginError('ERR_CHAIN_ROLLED_BACK', `the chain was rolled back: ${what}`)
}
