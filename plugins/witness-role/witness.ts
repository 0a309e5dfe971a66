import {
  addCheckpointStatus,
  bytesEqual,
  type Checkpoint,
  type CryptoProvider,
  cosignatureTime,
  cosigner,
  encodeSignatureLines,
  encodeSignedNote,
  encodeTreeSize,
  NoteError,
  type NoteSignature,
  type NoteVerifier,
  type OpenedCheckpoint,
  openCheckpoint,
  ProtocolError,
  parseAddCheckpoint,
  parseCheckpointText,
  parseSignedNote,
  signatureBy,
  type TextInput,
  toHex,
  treeSizeContentType,
  verifySubmittedTree,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import type { WitnessIdentity } from './witness-key.ts'
import type { WitnessState } from './witness-state.ts'

/** What is answered to `add-checkpoint` (C2SP tlog-witness), however it travels. */
export interface WitnessAnswer {
  /** See {@link addCheckpointStatus}. */
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** What an operator should know of a log that is followed. */
export interface WitnessEvent {
  readonly kind: 'cosigned' | 'split-view'
  readonly origin: string
  readonly treeSize: bigint
}

export interface WitnessOptions {
  readonly identity: WitnessIdentity
  readonly state: Pick<WitnessState, 'readNote' | 'writeNote' | 'close'>
  /** Keys of the logs that are followed; a log that changes its key has two for a while. */
  readonly logs: readonly NoteVerifier[]
  readonly crypto: CryptoProvider
  /** Wall clock in milliseconds. */
  readonly now: () => number
  /** Told when a larger tree was cosigned, and when a log signed two trees of one size. */
  readonly onEvent: (event: WitnessEvent) => void
}

/** The checkpoint of a log that was cosigned last. */
interface Cosigned {
  readonly checkpoint: Checkpoint
  readonly text: string
  readonly cosignature: NoteSignature
}

const text = 'text/plain; charset=utf-8'
const refusal = (status: number, why: string): WitnessAnswer => ({ status, contentType: text, body: `${why}\n` })

/**
 * Cosigns checkpoints of logs, each only when it extends the one that was cosigned before it: whoever sees the cosignature
 * knows that this witness never vouched for another history.
 */
export class Witness {
  readonly #options: WitnessOptions
  /** By origin: the request that is being answered, or was last. */
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #splitViews = new Set<string>()
  readonly #fail: (error: PluginError) => void
  /** Resolves when the store has failed: nothing is cosigned from then on, so end the process. */
  readonly failed: Promise<PluginError>
  #failure: PluginError | undefined

  constructor(options: WitnessOptions) {
    this.#options = options
    let fail: (error: PluginError) => void = () => {}
    this.failed = new Promise((resolve) => {
      fail = resolve
    })
    this.#fail = fail
  }

  /**
   * Answers one request, after what it says is durable.
   * @param body as it came: attacker-controlled
   * @throws {PluginError} ERR_STORE_FAILED
   */
  async answer(body: TextInput): Promise<WitnessAnswer> {
    const { malformed, unknownOrigin, untrusted } = addCheckpointStatus
    let request: ReturnType<typeof parseAddCheckpoint>
    let origin: string
    try {
      request = parseAddCheckpoint(body)
      origin = parseCheckpointText(parseSignedNote(request.checkpoint).text).origin
    } catch (error) {
      return refuse(error, malformed)
    }
    const logs = this.#options.logs.filter(({ key }) => key.name === origin)
    if (logs.length === 0) return refusal(unknownOrigin, 'this log is not followed')
    let opened: OpenedCheckpoint
    try {
      opened = openCheckpoint(request.checkpoint, logs)
    } catch (error) {
      return refuse(error, untrusted)
    }
    if (request.oldSize > opened.checkpoint.treeSize) return refusal(malformed, 'the old size is beyond the checkpoint')
    return this.#inTurn(origin, () => this.#extend(request, opened))
  }

  /**
   * The checkpoint that was cosigned last, with the cosignature.
   * @param originHash SHA-256 of the origin, lower-case hexadecimal
   * @throws {PluginError} ERR_STORE_FAILED
   */
  async checkpointOf(originHash: string): Promise<string | undefined> {
    const { crypto, state, logs } = this.#options
    const log = logs.find(({ key }) => toHex(crypto.sha256(Buffer.from(key.name))) === originHash)
    return log === undefined ? undefined : state.readNote(log.key.name)
  }

  /** Size of the tree that was cosigned last; 0: none. @throws {PluginError} ERR_STORE_FAILED */
  async lastSize(origin: string): Promise<bigint> {
    return (await this.#last(origin))?.checkpoint.treeSize ?? 0n
  }

  /** Waits for what is being answered, then closes the store. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#turns.values())
    await this.#options.state.close()
  }

  /** One at a time: between the look at what was cosigned last and its replacement nothing else may come. */
  #inTurn(origin: string, answer: () => Promise<WitnessAnswer>): Promise<WitnessAnswer> {
    const before = this.#turns.get(origin) ?? Promise.resolve()
    const turn = before.then(answer, answer)
    this.#turns.set(origin, turn)
    return turn
  }

  async #extend({ oldSize, path }: { oldSize: bigint; path: readonly Uint8Array[] }, opened: OpenedCheckpoint) {
    if (this.#failure !== undefined) throw this.#failure
    const { crypto } = this.#options
    const { checkpoint } = opened
    const last = await this.#last(checkpoint.origin)
    const lastSize = last?.checkpoint.treeSize ?? 0n
    this.#lookForSplitView(last, checkpoint)
    if (oldSize !== lastSize) {
      return { status: addCheckpointStatus.conflict, contentType: treeSizeContentType, body: encodeTreeSize(lastSize) }
    }
    try {
      // Of an old size of 0 no root is looked at.
      verifySubmittedTree({ oldSize, path }, last?.checkpoint.rootHash ?? new Uint8Array(0), checkpoint, crypto)
    } catch (error) {
      if (error instanceof ProtocolError) return refusal(addCheckpointStatus.inconsistent, error.message)
      throw error
    }
    const cosignature = await this.#cosign(opened, last)
    return { status: addCheckpointStatus.cosigned, contentType: text, body: encodeSignatureLines([cosignature]) }
  }

  /** Stores, then signs away: what is answered is durable, also when the process ends in between. */
  async #cosign({ text: signed, verified, checkpoint }: OpenedCheckpoint, last: Cosigned | undefined) {
    const { identity, state, crypto, now, onEvent } = this.#options
    // A cosignature says that no larger tree was seen by then, so its time may not go back with the clock.
    const lastSeconds = last === undefined ? 0 : (cosignatureTime(last.cosignature.signature) ?? 0)
    const timeSeconds = Math.max(lastSeconds, Math.floor(now() / 1000))
    // Whoever asks for the same again and again gets one fsync a second.
    if (last?.text === signed && timeSeconds === lastSeconds) return last.cosignature
    const cosignature = signatureBy(cosigner(identity.name, identity.key, timeSeconds, crypto), signed)
    try {
      await state.writeNote(
        checkpoint.origin,
        encodeSignedNote({ text: signed, signatures: [...verified, cosignature] }),
      )
    } catch (error) {
      // Whether it is stored is unknown: the next start finds out.
      if (error instanceof PluginError) {
        this.#failure = error
        this.#fail(error)
      }
      throw error
    }
    const { origin, treeSize } = checkpoint
    if (treeSize !== last?.checkpoint.treeSize) onEvent({ kind: 'cosigned', origin, treeSize })
    return cosignature
  }

  async #last(origin: string): Promise<Cosigned | undefined> {
    const note = await this.#options.state.readNote(origin)
    if (note === undefined) return undefined
    const { text: signed, signatures } = parseSignedNote(note)
    const cosignature = signatures.at(-1)
    // The parser refuses a note without signatures.
    if (cosignature === undefined) throw new PluginError('ERR_STORE_FAILED', 'a stored checkpoint has no signature')
    return { checkpoint: parseCheckpointText(signed), text: signed, cosignature }
  }

  /** Two roots for one size, both signed by the log, are proof against it, whatever old size the request names. */
  #lookForSplitView(last: Cosigned | undefined, { origin, treeSize, rootHash }: Checkpoint): void {
    if (last?.checkpoint.treeSize !== treeSize || bytesEqual(last.checkpoint.rootHash, rootHash)) return
    if (this.#splitViews.has(origin)) return
    this.#splitViews.add(origin)
    this.#options.onEvent({ kind: 'split-view', origin, treeSize })
  }
}

function refuse(error: unknown, status: number): WitnessAnswer {
  if (error instanceof NoteError) return refusal(status, error.message)
  throw error
}
