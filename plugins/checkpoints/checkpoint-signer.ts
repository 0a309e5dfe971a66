import {
  bytesEqual,
  type CryptoProvider,
  ed25519NoteSigner,
  ed25519NoteVerifier,
  type NoteSigner,
  type NoteVerifier,
  noteKeyType,
  openCheckpoint,
  type SignedRoot,
  signCheckpoint,
  signRoot,
  type TreeHead,
  verifierKey,
} from '../../protocol/index.ts'
import { type AuditChain, damaged } from '../audit-chain/index.ts'

/** A state of the log that the broker has bound itself to: it never signs another tree of this size. */
export interface PublishedCheckpoint {
  readonly treeSize: number
  readonly rootHash: Uint8Array
  /** When it was signed, or taken up again at a start: milliseconds since 1970. */
  readonly timeMs: number
  /** C2SP tlog-checkpoint: the signed note, with the cosignatures so far. */
  readonly note: string
  /** The same root under the broker key: what all receipts for this tree have in common. */
  readonly signedRoot: SignedRoot
}

/** A checkpoint that this log signed, as it lay in the store. */
export interface StoredNote {
  readonly tree: TreeHead
  readonly note: string
  /** By the log key in force, not by one that it took the place of. */
  readonly isInForce: boolean
}

/** Signs trees of one log: checkpoints with the log key, and their roots with the broker key. */
export class CheckpointSigner {
  readonly #chain: Pick<AuditChain, 'brokerKey' | 'genesis' | 'logKey' | 'registry'>
  readonly #crypto: CryptoProvider
  readonly #signer: NoteSigner

  constructor(chain: Pick<AuditChain, 'brokerKey' | 'genesis' | 'logKey' | 'registry'>, crypto: CryptoProvider) {
    this.#chain = chain
    this.#crypto = crypto
    this.#signer = ed25519NoteSigner(chain.genesis.origin, chain.logKey, crypto)
  }

  /** @param timeMs of now */
  sign(tree: TreeHead, timeMs: number): PublishedCheckpoint {
    const { origin } = this.#chain.genesis
    const { treeSize, rootHash } = tree
    return this.#withRoot(signCheckpoint({ origin, treeSize, rootHash }, this.#signer), tree, timeMs)
  }

  /** @throws {PluginError} ERR_CHAIN_DAMAGED: no key that the log has, or had, signed it */
  open(stored: Uint8Array): StoredNote {
    const { checkpoint, verified } = this.#open(stored)
    const isInForce = verified.some(({ key }) => bytesEqual(key.keyId, this.#signer.key.keyId))
    return { tree: checkpoint, note: new TextDecoder().decode(stored), isInForce }
  }

  /** Takes up a stored one; after a rotation the same tree is signed by the key in force. @param timeMs of now */
  renew({ tree, note, isInForce }: StoredNote, timeMs: number): PublishedCheckpoint {
    return isInForce ? this.#withRoot(note, tree, timeMs) : this.sign(tree, timeMs)
  }

  #open(stored: Uint8Array): ReturnType<typeof openCheckpoint> {
    try {
      return openCheckpoint(stored, this.#verifiers())
    } catch (cause) {
      throw damaged('the checkpoint in the store is not one that the log signed', cause)
    }
  }

  #verifiers(): readonly NoteVerifier[] {
    const { genesis, registry } = this.#chain
    const crypto = this.#crypto
    return registry.notary.logs.map(({ key }) =>
      ed25519NoteVerifier(verifierKey(genesis.origin, noteKeyType.ed25519, key, crypto), crypto),
    )
  }

  #withRoot(note: string, { treeSize, rootHash }: TreeHead, timeMs: number): PublishedCheckpoint {
    const { brokerKey, genesis } = this.#chain
    const root = { issuer: genesis.origin, treeSize, rootHash }
    const signedRoot = signRoot(brokerKey, root, Math.floor(timeMs / 1000), this.#crypto)
    return { treeSize: Number(treeSize), rootHash, timeMs, note, signedRoot }
  }
}
