import {
  type Block,
  bytesEqual,
  type ChainState,
  type CryptoProvider,
  decodeBlock,
  decodeChainState,
  emptyChainState,
  type Genesis,
  isSameP256,
  type KeyRegistry,
  type P256PublicKey,
  ProtocolError,
  parseSignedHeader,
  type SignedHeader,
  verifySignedHeader,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { damaged, rolledBack, whatToDo } from './chain-errors.ts'
import { readBlock } from './read-block.ts'
import { type SignedSnapshot, type SnapshotStore, type StoredMemories, storedMemoriesOf } from './snapshots.ts'
import { type WalkOptions, walkChain } from './walk-chain.ts'

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

export interface RestoreOptions extends WalkOptions {
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
    const genesis = await walkChain(options, snapshot)
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
