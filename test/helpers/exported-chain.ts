import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type AuditChain,
  type CheckpointKeeper,
  type ExportSource,
  nativeCrypto,
  publicKeyFiles,
} from '../../plugins/index.ts'
import { newestOf, openChain, openKeeper } from './checkpointed-chain.ts'
import { signedPublish, unsignedPublish } from './golden-chain.ts'
import { numberedKey } from './keys.ts'
import { Signer } from './signing.ts'
import { temporaryDirectory } from './temporary.ts'

/** A chain that is open, with its checkpoints: what exports are made of. */
export class ExportedChain {
  readonly chain: AuditChain
  readonly keeper: CheckpointKeeper
  readonly location: string
  readonly #signer = new Signer(numberedKey(31))

  private constructor(chain: AuditChain, keeper: CheckpointKeeper, location: string) {
    this.chain = chain
    this.keeper = keeper
    this.location = location
  }

  /** Begins a chain, or opens it again; closed when the test ends. */
  static async open(t: TestContext, location = join(temporaryDirectory(t), 'data')): Promise<ExportedChain> {
    const chain = await openChain(t, { location })
    return new ExportedChain(chain, await openKeeper(chain), location)
  }

  get source(): ExportSource {
    const { store, tiles, genesis, registry } = this.chain
    return { store, tiles, keys: publicKeyFiles(genesis.origin, registry.notary) }
  }

  /** The newest checkpoint, of everything that there is. */
  async note(): Promise<string> {
    await this.keeper.make()
    return newestOf(this.keeper).note
  }

  /** Enrols the key of signed publishes. */
  async enroll(): Promise<void> {
    await this.chain.enroll(this.#signer.key, 'device')
  }

  /** Appends publishes until the tree has this size; they share blocks as it comes. */
  async growTo(size: number): Promise<void> {
    const first = this.chain.nextIndex
    await Promise.all(
      Array.from({ length: size - first }, (_, i) =>
        this.chain.record((index, timeMs) => {
          const body = Buffer.from(`body ${first + i} of ${index}`)
          return unsignedPublish({ topic: 'plant/1', body, timeMs }, nativeCrypto)
        }),
      ),
    )
  }

  /** Appends a publish that the enrolled key signed. */
  async sign(text: string): Promise<void> {
    await this.chain.record((index, timeMs) => {
      const { thumbprint } = this.#signer.key
      const message = this.#signer.sign('plant/2', text, { timeMs })
      const publish = signedPublish(message, 'plant/2', thumbprint, timeMs, nativeCrypto)
      this.chain.registry.enter(publish.record, index)
      return publish
    })
  }
}
