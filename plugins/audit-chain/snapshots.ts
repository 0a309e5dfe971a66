import {
  type BrokerSigner,
  type ChainState,
  type CryptoProvider,
  encodeKeyMemory,
  type KeyRegistry,
  type P256PublicKey,
  ProtocolError,
  type RegisteredKey,
  type RestoredSnapshot,
  readSnapshot,
  signSnapshot,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { type StoreDatabase, storeSublevel } from './level-store.ts'
import type { StoreOperation } from './store.ts'
import type { CommitParticipant } from './submission.ts'

/** Records between two snapshots: what a start after a crash walks at most, and about a second of it. */
export const recordsPerSnapshot = 50_000

const signedKey = new TextEncoder().encode('signed')

/** A snapshot, and which key signed it. */
export interface SignedSnapshot extends RestoredSnapshot {
  readonly signer: P256PublicKey
}

/** Where the newest snapshot lies: the signed part, and one value for each key with the sequence numbers that it used. */
export class SnapshotStore {
  readonly #sublevel

  constructor(database: StoreDatabase) {
    this.#sublevel = storeSublevel(database, 'snapshot')
  }

  /**
   * The newest snapshot; undefined when there is none.
   * @param brokerKeys any of which may have signed it, at least one
   * @throws {PluginError} ERR_SNAPSHOT_INVALID: it must not be used
   */
  async read(brokerKeys: readonly P256PublicKey[], crypto: CryptoProvider): Promise<SignedSnapshot | undefined> {
    const signed = await this.#sublevel.get(signedKey)
    if (signed === undefined) return undefined
    let refusal: ProtocolError | undefined
    for (const signer of brokerKeys) {
      try {
        const content = await readSnapshot(signed, signer, (thumbprint) => this.#sublevel.get(thumbprint), crypto)
        return { ...content, signer }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        refusal = error
      }
    }
    throw new PluginError('ERR_SNAPSHOT_INVALID', `the snapshot is not used: ${refusal?.message}`, {}, refusal)
  }

  putSigned(signed: Uint8Array): StoreOperation {
    return { type: 'put', sublevel: this.#sublevel, key: signedKey, value: signed }
  }

  /** A thumbprint has 32 bytes, so it cannot be taken for the key of the signed part. */
  putMemory(thumbprint: Uint8Array, memory: Uint8Array): StoreOperation {
    return { type: 'put', sublevel: this.#sublevel, key: thumbprint, value: memory }
  }
}

/** The sequence numbers of a key as they lie in the store. */
interface StoredMemory {
  /** Tells whether the key was used since. */
  readonly changes: number
  readonly digest: Uint8Array
}
export type StoredMemories = Map<RegisteredKey, StoredMemory>

/** What of a snapshot need not be written again. Asked before its keys are used further. */
export function storedMemoriesOf(restored: RestoredSnapshot | undefined): StoredMemories {
  const stored: StoredMemories = new Map()
  for (const { key, memoryDigest } of restored?.keys ?? []) {
    stored.set(key, { changes: changesOf(key), digest: memoryDigest })
  }
  return stored
}

export interface SnapshotKeeperOptions {
  readonly store: SnapshotStore
  readonly registry: KeyRegistry
  /** Name of the log. */
  readonly origin: string
  readonly signer: BrokerSigner
  readonly crypto: CryptoProvider
  /** Records that the newest snapshot covers. */
  readonly covered: number
  readonly stored: StoredMemories
  readonly recordsPerSnapshot: number
}

/**
 * Takes snapshots now and then, between the deciding of one block and that of the next: then the registry is exactly what
 * the chain says when that block is in it. It is written with the next block, in the same batch, and rewrites only the
 * sequence numbers of keys that were used since.
 */
export class SnapshotKeeper implements CommitParticipant {
  readonly #options: SnapshotKeeperOptions
  readonly #stored: StoredMemories
  #covered: number
  #pending: StoreOperation[] = []

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options
    this.#covered = options.covered
    this.#stored = options.stored
  }

  /** Called with every block that was built, before anything else is decided. */
  onBuilt(state: ChainState): void {
    if (state.frontier.size - this.#covered >= this.#options.recordsPerSnapshot) this.#take(state)
  }

  operations(): readonly StoreOperation[] {
    const pending = this.#pending
    this.#pending = []
    return pending
  }

  settled(): void {
    // What was written with a block needs nothing more.
  }

  /** What is left to write when nothing is decided any more. */
  final(state: ChainState): readonly StoreOperation[] {
    if (state.frontier.size > this.#covered) this.#take(state)
    return this.operations()
  }

  #take(state: ChainState): void {
    const { store, registry, origin, signer } = this.#options
    const keys = registry.list().map((key) => ({ key, memoryDigest: this.#memoryDigestOf(key) }))
    this.#pending.push(
      store.putSigned(signSnapshot({ origin, notary: registry.notary, state, keys, before: registry.before }, signer)),
    )
    this.#covered = state.frontier.size
  }

  #memoryDigestOf(key: RegisteredKey): Uint8Array {
    const { store, crypto } = this.#options
    const stored = this.#stored.get(key)
    const changes = changesOf(key)
    if (stored?.changes === changes) return stored.digest
    const memory = encodeKeyMemory(key)
    const digest = crypto.sha256(memory)
    this.#pending.push(store.putMemory(key.thumbprint, memory))
    this.#stored.set(key, { changes, digest })
    return digest
  }
}

function changesOf({ window, wills }: RegisteredKey): number {
  return window.changes + wills.changes
}
