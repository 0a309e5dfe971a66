import {
  type BlockHeader,
  bytesEqual,
  ed25519NoteVerifier,
  NoteError,
  noteKeyType,
  openCheckpoint,
  parseCheckpointText,
  parseSignedNote,
  type StoreFinding,
  type TreeHead,
  verifierKey,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'

/** A checkpoint that somebody kept: a signed note, as it came. */
export interface KeptCheckpoint {
  readonly note: string
  /** Says where it is, e.g. the name of its file. */
  readonly place: string
}

/** What the chain turned out to be. */
export interface VerifiedChain {
  /** Name of the log. */
  readonly origin: string
  /** Every key that the log had, Ed25519. */
  readonly logKeys: readonly Uint8Array[]
  /** Records that were looked at. */
  readonly treeSize: number
  /** More follow that were not looked at. */
  readonly isPart: boolean
}

/** Holds checkpoints that were kept against the chain: the log signed them, and the chain has what they cover. */
export class CheckpointCheck {
  readonly #kept: readonly { readonly kept: KeptCheckpoint; readonly head: TreeHead | undefined }[]
  /** By tree size, the block that ends there, for the sizes that are asked about. */
  readonly #blocks = new Map<bigint, BlockHeader>()
  readonly #sizes: ReadonlySet<bigint>

  constructor(kept: readonly KeptCheckpoint[]) {
    this.#kept = kept.map((one) => ({ kept: one, head: headOf(one) }))
    this.#sizes = new Set(this.#kept.flatMap(({ head }) => (head === undefined ? [] : [head.treeSize])))
  }

  /** Takes a block whose leaves lead to its root. */
  add(header: BlockHeader): void {
    const treeSize = BigInt(header.treeSize)
    if (this.#sizes.has(treeSize)) this.#blocks.set(treeSize, header)
  }

  /** @returns the first checkpoint that does not fit the chain */
  finish(chain: VerifiedChain): StoreFinding | undefined {
    for (const { kept, head } of this.#kept) {
      const { place } = kept
      if (head === undefined || !isSigned(kept, chain))
        return { cause: 'checkpoint-invalid', block: 0, index: 0, place }
      const block = this.#blocks.get(head.treeSize)
      if (block !== undefined && bytesEqual(block.rootHash, head.rootHash)) continue
      const isBeyond = head.treeSize > BigInt(chain.treeSize)
      if (isBeyond && chain.isPart) continue
      const index = isBeyond ? chain.treeSize : 0
      return { cause: 'checkpoint-mismatch', block: block?.height ?? 0, index, place }
    }
    return undefined
  }
}

/** Every checkpoint is of a tree that ends with a block, so the sizes of blocks are all that there can be. */
function headOf({ note }: KeptCheckpoint): TreeHead | undefined {
  return orUndefined(() => parseCheckpointText(parseSignedNote(note).text))
}

function isSigned({ note }: KeptCheckpoint, { origin, logKeys }: VerifiedChain): boolean {
  const logs = logKeys.map((key) =>
    ed25519NoteVerifier(verifierKey(origin, noteKeyType.ed25519, key, nativeCrypto), nativeCrypto),
  )
  return orUndefined(() => openCheckpoint(note, logs)) !== undefined
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof NoteError) return undefined
    throw error
  }
}
