import { setTimeout as wait } from 'node:timers/promises'
import {
  addCheckpointStatus,
  type CryptoProvider,
  consistencyProof,
  encodeAddCheckpoint,
  isKeyOf,
  NoteError,
  type NoteSignature,
  type NoteVerifier,
  parseSignedNote,
  parseTreeSize,
  type TileSource,
  treeSizeContentType,
  withCosignatures,
} from '../../protocol/index.ts'
import type { CosignableCheckpoint, CosignableSource } from './cosignable-source.ts'
import { WitnessAttemptFailed, type WitnessTrouble } from './trouble.ts'
import type { WitnessConnection, WitnessReply } from './witness-http.ts'

export interface WitnessAgentOptions {
  readonly verifier: NoteVerifier
  readonly connection: WitnessConnection
  readonly source: CosignableSource
  readonly tiles: TileSource
  readonly crypto: CryptoProvider
  /** Size of the tree that it cosigned last, as far as is known; 0: none. */
  readonly lastSize: () => number
  /** Keeps one cosignature, verified. */
  readonly keep: (checkpoint: CosignableCheckpoint, cosignature: NoteSignature) => Promise<void>
  /** Told after every attempt; undefined: it succeeded. */
  readonly onAttempt: (trouble: WitnessTrouble | undefined, cause: unknown) => void
  /** @param failures in a row, from 1 on */
  readonly retryDelayMs: (failures: number) => number
}

const troubleOfStatus: ReadonlyMap<number, WitnessTrouble> = new Map([
  [addCheckpointStatus.malformed, 'malformed'],
  [addCheckpointStatus.untrusted, 'untrusted'],
  [addCheckpointStatus.unknownOrigin, 'unknown-log'],
  [addCheckpointStatus.inconsistent, 'inconsistent'],
])

/** Gets cosignatures of one witness: one request at a time, always for the newest checkpoint; those in between are skipped. */
export class WitnessAgent {
  readonly #options: WitnessAgentOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  /** Its text was cosigned, also when the cosignature came too late to be kept. */
  #cosigned: string | undefined

  constructor(options: WitnessAgentOptions) {
    this.#options = options
  }

  /** There may be a checkpoint that it has not cosigned. */
  wake(): void {
    if (this.#stopped.signal.aborted || this.#isRunning) return
    this.#isRunning = true
    this.#running = this.#run().finally(() => {
      this.#isRunning = false
      // One that was published after the last look, while this was still said to be running.
      if (this.#wanted() !== undefined) this.wake()
    })
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    this.#options.connection.close()
  }

  async #run(): Promise<void> {
    const { onAttempt, retryDelayMs } = this.#options
    const { signal } = this.#stopped
    let failures = 0
    for (let next = this.#wanted(); next !== undefined && !signal.aborted; next = this.#wanted()) {
      try {
        await this.#submit(next)
        failures = 0
        onAttempt(undefined, undefined)
      } catch (error) {
        if (signal.aborted) return
        failures++
        onAttempt(error instanceof WitnessAttemptFailed ? error.trouble : 'store', error)
        await this.#pause(retryDelayMs(failures))
      }
    }
  }

  /** The newest checkpoint, unless the witness cosigned it. */
  #wanted(): CosignableCheckpoint | undefined {
    const { source, verifier } = this.#options
    const { newest } = source
    if (newest === undefined) return undefined
    const { text, signatures } = parseSignedNote(newest.note)
    const isCosigned = text === this.#cosigned || signatures.some((signature) => isKeyOf(verifier.key, signature))
    return isCosigned ? undefined : newest
  }

  async #submit(checkpoint: CosignableCheckpoint): Promise<void> {
    const { lastSize, keep } = this.#options
    const known = lastSize()
    const oldSize = known > checkpoint.treeSize ? 0 : known
    const first = await this.#post(checkpoint, oldSize)
    const answer = isConflict(first) ? await this.#postFrom(checkpoint, oldSize, sizeOf(first)) : first
    if (answer.status !== addCheckpointStatus.cosigned) {
      throw new WitnessAttemptFailed(troubleOfStatus.get(answer.status) ?? 'unexpected-status')
    }
    const cosignature = this.#cosignatureOf(checkpoint, answer.body)
    await this.#unlessStopped(keep(checkpoint, cosignature))
    this.#cosigned = parseSignedNote(checkpoint.note).text
  }

  /** The witness knows another size than was thought: once more from there. */
  async #postFrom(checkpoint: CosignableCheckpoint, oldSize: number, witnessSize: bigint): Promise<WitnessReply> {
    if (witnessSize > BigInt(checkpoint.treeSize)) throw new WitnessAttemptFailed('ahead')
    // C2SP tlog-witness lets a witness answer so when the roots of one size differ.
    if (witnessSize === BigInt(oldSize)) throw new WitnessAttemptFailed('inconsistent')
    const answer = await this.#post(checkpoint, Number(witnessSize))
    if (isConflict(answer)) {
      throw new WitnessAttemptFailed(sizeOf(answer) === witnessSize ? 'inconsistent' : 'busy')
    }
    return answer
  }

  async #post({ treeSize, note }: CosignableCheckpoint, oldSize: number): Promise<WitnessReply> {
    const { connection, tiles, crypto } = this.#options
    const path = oldSize === 0 ? [] : (await consistencyProof(oldSize, treeSize, tiles, crypto)).path
    const request = encodeAddCheckpoint({ oldSize: BigInt(oldSize), path, checkpoint: note })
    return connection.post(request, this.#stopped.signal)
  }

  #cosignatureOf({ note }: CosignableCheckpoint, body: Uint8Array): NoteSignature {
    const { verifier } = this.#options
    try {
      const { signatures } = parseSignedNote(withCosignatures(note, body, [verifier]))
      const cosignature = signatures.find((signature) => isKeyOf(verifier.key, signature))
      if (cosignature !== undefined) return cosignature
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      const isWrong = error.code === 'ERR_NOTE_SIGNATURE_INVALID'
      throw new WitnessAttemptFailed(isWrong ? 'wrong-signature' : 'malformed-answer', error)
    }
    throw new WitnessAttemptFailed('no-cosignature')
  }

  /** A store that takes no writes is not waited for at the end. */
  #unlessStopped(promise: Promise<void>): Promise<void> {
    const { signal } = this.#stopped
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
      promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
    })
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped
    await wait(ms, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

function isConflict({ status, contentType }: WitnessReply): boolean {
  if (status !== addCheckpointStatus.conflict) return false
  if (contentType.split(';', 1)[0]?.trim() !== treeSizeContentType) throw new WitnessAttemptFailed('malformed-answer')
  return true
}

function sizeOf({ body }: WitnessReply): bigint {
  try {
    return parseTreeSize(body)
  } catch (error) {
    if (error instanceof NoteError) throw new WitnessAttemptFailed('malformed-answer', error)
    throw error
  }
}
