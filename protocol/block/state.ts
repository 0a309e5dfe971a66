import { CborReader, CborWriter } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { Frontier } from '../merkle/index.ts'
import { noPreviousHash } from './header.ts'

const stateVersion = 1

/** Everything needed to append the next block; written in the same batch as every block. */
export interface ChainState {
  /** Blocks so far, and the height of the next one. */
  readonly height: number
  /** `previousHash` of the next block. */
  readonly previousHash: Uint8Array
  /** Time of the newest block; 0 before the first. */
  readonly timeMs: number
  readonly frontier: Frontier
}

export function emptyChainState(crypto: CryptoProvider): ChainState {
  return { height: 0, previousHash: noPreviousHash, timeMs: 0, frontier: new Frontier(crypto) }
}

/** CBOR `[1, height, previousHash, timeMs, treeSize, [* subtree root]]`. */
export function encodeChainState(state: ChainState): Uint8Array {
  const { frontier } = state
  const writer = new CborWriter(1024).array(6).int(stateVersion).int(state.height).bytes(state.previousHash)
  writer.int(state.timeMs).int(frontier.size).array(frontier.subtrees.length)
  for (const subtree of frontier.subtrees) writer.bytes(subtree)
  return writer.finish()
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_BLOCK_MALFORMED */
export function decodeChainState(encoded: Uint8Array, crypto: CryptoProvider): ChainState {
  const reader = new CborReader(encoded)
  reader.array(6)
  if (reader.uint() !== stateVersion) throw malformed('version')
  const height = reader.uint()
  const previousHash = reader.bytes(32)
  const timeMs = reader.uint()
  const treeSize = reader.uint()
  const subtrees: Uint8Array[] = []
  for (let left = reader.array(); left > 0; left--) subtrees.push(reader.bytes(32))
  reader.end()
  try {
    return { height, previousHash, timeMs, frontier: new Frontier(crypto, treeSize, subtrees) }
  } catch (cause) {
    throw malformed('frontier', cause)
  }
}

function malformed(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('ERR_BLOCK_MALFORMED', `not a chain state of version ${stateVersion}: ${what}`, {}, cause)
}
