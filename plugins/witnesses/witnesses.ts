import {
  type CryptoProvider,
  cosignatureTime,
  encodeSignatureLines,
  isKeyOf,
  type NoteSignature,
  type NoteVerifier,
  parseSignatureLines,
  parseSignedNote,
  type TileSource,
  timeText,
  verifiedSignatures,
  type WitnessesJson,
} from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { type ConfiguredWitness, verifierOfWitness } from './configured-witness.ts'
import type { CosignableCheckpoint, CosignableSource } from './cosignable-source.ts'
import { retryDelayMs } from './retry-delay.ts'
import type { WitnessTrouble } from './trouble.ts'
import { WitnessAgent } from './witness-agent.ts'
import { connectToWitness } from './witness-http.ts'
import { type LastCosigned, WitnessMemory } from './witness-memory.ts'

/** A witness got into a trouble, or out of it. */
export interface WitnessChange {
  readonly name: string
  /** Undefined: it cosigns again. */
  readonly trouble: WitnessTrouble | undefined
  readonly cause: unknown
}

export interface WitnessesOptions {
  readonly chain: Pick<AuditChain, 'database' | 'genesis' | 'record'> & { readonly tiles: TileSource }
  readonly source: CosignableSource & { recent(treeSize: number): CosignableCheckpoint | undefined }
  readonly witnesses: readonly ConfiguredWitness[]
  /** How many of them must have cosigned. */
  readonly quorum: number
  readonly crypto: CryptoProvider
  /** Told once, however often it is tried after that. */
  readonly onChange: (change: WitnessChange) => void
  /** From 0 to below 1; for tests. Default `Math.random`. */
  readonly random?: () => number
}

interface Witness extends ConfiguredWitness {
  readonly verifier: NoteVerifier
  last: LastCosigned | undefined
  trouble: WitnessTrouble | undefined
  agent: WitnessAgent | undefined
}

/** The witnesses of one log: asks those that have a URL to cosign its checkpoints, takes what others bring. */
export class Witnesses {
  readonly #options: WitnessesOptions
  readonly #memory: WitnessMemory
  readonly #witnesses: Witness[] = []
  #stop: (() => void) | undefined

  private constructor(options: WitnessesOptions) {
    this.#options = options
    this.#memory = new WitnessMemory(options.chain)
  }

  /** Takes up what each cosigned last. */
  static async open(options: WitnessesOptions): Promise<Witnesses> {
    const all = new Witnesses(options)
    for (const configured of options.witnesses) all.#witnesses.push(await all.#take(configured))
    return all
  }

  /** Begins to ask for cosignatures. */
  start(): void {
    const wake = () => {
      for (const { agent } of this.#witnesses) agent?.wake()
    }
    this.#stop ??= this.#options.source.onPublished(wake)
    wake()
  }

  /** What an operator is shown. Null: there are none. */
  status(): WitnessesJson | null {
    const { quorum, source } = this.#options
    if (this.#witnesses.length === 0) return null
    const signatures = source.newest === undefined ? [] : parseSignedNote(source.newest.note).signatures
    const cosigned = this.#witnesses.filter(({ verifier }) => signatures.some((one) => isKeyOf(verifier.key, one)))
    // Whoever cosigned a tree vouches for all that it extends.
    const sizes = this.#witnesses.map(({ last }) => last?.treeSize ?? 0).sort((a, b) => b - a)
    return {
      quorum,
      met: cosigned.length >= quorum,
      cosigned: cosigned.map(({ name }) => name),
      covered: sizes[quorum - 1] ?? 0,
      witnesses: this.#witnesses.map(({ name, vkey, url, last, trouble }) => ({
        name,
        vkey,
        ...(url === undefined ? undefined : { url }),
        treeSize: last?.treeSize ?? null,
        time: timeText(last && last.timeSeconds * 1000) ?? null,
        trouble: trouble ?? null,
      })),
    }
  }

  /**
   * Takes cosignatures that a witness brings by itself. Lines by others than the configured witnesses are left out, and
   * those that are older than what is known.
   * @param lines attacker-controlled
   * @returns names of those whose cosignatures were taken; undefined: the checkpoint of this size is none of the newest
   * @throws {NoteError} ERR_NOTE_MALFORMED, ERR_NOTE_SIGNATURE_INVALID
   */
  async accept(treeSize: number, lines: string): Promise<readonly string[] | undefined> {
    const checkpoint = this.#options.source.recent(treeSize)
    if (checkpoint === undefined) return undefined
    const { text } = parseSignedNote(checkpoint.note)
    const verifiers = this.#witnesses.map(({ verifier }) => verifier)
    const taken: string[] = []
    for (const signature of verifiedSignatures(text, parseSignatureLines(lines), verifiers)) {
      const witness = this.#witnesses.find(({ verifier }) => verifier.key === signature.key)
      if (witness === undefined || !isNews({ treeSize, timeSeconds: timeOf(signature) }, witness.last)) continue
      await this.#keep(witness, checkpoint, signature)
      this.#tell(witness, undefined, undefined)
      taken.push(witness.name)
    }
    return taken
  }

  /** Ends what is being asked. */
  async close(): Promise<void> {
    this.#stop?.()
    await Promise.all(this.#witnesses.map(({ agent }) => agent?.close()))
  }

  async #take(configured: ConfiguredWitness): Promise<Witness> {
    const { crypto } = this.#options
    const verifier = verifierOfWitness(configured, crypto)
    const last = await this.#memory.read(configured.vkey)
    const witness: Witness = { ...configured, verifier, last, trouble: undefined, agent: undefined }
    if (configured.url !== undefined) witness.agent = this.#agentOf(witness, configured.url)
    return witness
  }

  #agentOf(witness: Witness, url: string): WitnessAgent {
    const { source, chain, crypto, random = Math.random } = this.#options
    return new WitnessAgent({
      verifier: witness.verifier,
      connection: connectToWitness(url),
      source,
      tiles: chain.tiles,
      crypto,
      lastSize: () => witness.last?.treeSize ?? 0,
      keep: (checkpoint, cosignature) => this.#keep(witness, checkpoint, cosignature),
      onAttempt: (trouble, cause) => this.#tell(witness, trouble, cause),
      retryDelayMs: (failures) => retryDelayMs(failures, random()),
    })
  }

  /** The cosignature first: where only the memory of it is lost, the witness is asked again. */
  async #keep(witness: Witness, { treeSize }: CosignableCheckpoint, cosignature: NoteSignature): Promise<void> {
    await this.#options.source.addCosignatures(treeSize, encodeSignatureLines([cosignature]))
    witness.last = { treeSize, timeSeconds: timeOf(cosignature) }
    await this.#memory.write(witness.vkey, witness.last)
  }

  #tell(witness: Witness, trouble: WitnessTrouble | undefined, cause: unknown): void {
    if (witness.trouble === trouble) return
    witness.trouble = trouble
    this.#options.onChange({ name: witness.name, trouble, cause })
  }
}

/** @param cosignature verified, so that it has a time */
function timeOf({ signature }: NoteSignature): number {
  return cosignatureTime(signature) as number
}

function isNews(next: LastCosigned, last: LastCosigned | undefined): boolean {
  if (last === undefined || next.treeSize > last.treeSize) return true
  return next.treeSize === last.treeSize && next.timeSeconds > last.timeSeconds
}
