import { setTimeout as wait } from 'node:timers/promises'
import { AdminClient } from '../../clients/cli/admin-client.ts'
import { type ConnectionFlags, connect } from '../../clients/cli/connection.ts'
import { ClientError } from '../../clients/errors.ts'
import { cosignPublished, type FollowedLog, PluginError, type Witness } from '../../plugins/index.ts'
import { checkpointTopic, fromBase64url, parseSignedNote } from '../../protocol/index.ts'
import { describe } from '../describe.ts'

const retryMs = 5000
/** Far above a checkpoint with its cosignatures, and above a consistency path. The broker is not trusted. */
const maxPacketBytes = 1024 * 1024

export interface MqttWitnessOptions {
  readonly witness: Witness
  readonly flags: ConnectionFlags
  readonly signal: AbortSignal
  /** Told of a broker that cannot be reached, and of a checkpoint that is not cosigned. */
  readonly onTrouble: (text: string) => void
}

/**
 * Cosigns what one broker publishes on its checkpoint topic, until told to stop; connects again when the connection ends.
 * @throws {PluginError} ERR_STORE_FAILED
 */
export async function witnessOverMqtt(options: MqttWitnessOptions): Promise<void> {
  const { signal, flags } = options
  let said: string | undefined
  /** Once, however often it happens in a row. */
  const onTrouble = (text: string) => {
    if (text !== said) options.onTrouble(`${flags.host}:${flags.port}: ${text}`)
    said = text
  }
  while (!signal.aborted) {
    try {
      await followOnce({ ...options, onTrouble })
    } catch (error) {
      if (error instanceof PluginError) throw error
      if (!signal.aborted) onTrouble(describe(error))
    }
    await wait(retryMs, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

/** Rejects when a connection ends. */
async function followOnce(options: MqttWitnessOptions): Promise<void> {
  const { flags, signal } = options
  const admin = await AdminClient.connect(flags, maxPacketBytes)
  let onAbort = () => {}
  try {
    const client = await connect(flags, maxPacketBytes)
    try {
      await new Promise<void>((resolve, reject) => {
        const follower = new Follower(options, admin, reject)
        client.on('message', (_topic, note) => follower.take(note))
        client.on('close', () => reject(new ClientError('ERR_CONNECTION', 'the connection ended')))
        onAbort = resolve
        signal.addEventListener('abort', onAbort)
        if (signal.aborted) resolve()
        client.subscribeAsync(checkpointTopic, { qos: 0 }).catch((cause: unknown) => {
          reject(new ClientError('ERR_REFUSED', 'the broker publishes no checkpoints to this client', {}, cause))
        })
      })
    } finally {
      await client.endAsync(true)
    }
  } finally {
    // The signal outlives many connections.
    signal.removeEventListener('abort', onAbort)
    await admin.close()
  }
}

/** Cosigns the checkpoints of one connection, one at a time: of those that come meanwhile, the last. */
class Follower {
  readonly #options: MqttWitnessOptions
  readonly #log: FollowedLog
  readonly #fail: (error: unknown) => void
  #newest: Uint8Array | undefined
  #isRunning = false
  /** Text of the last one: it is published again with our cosignature, and with those of others. */
  #cosigned: string | undefined

  constructor(options: MqttWitnessOptions, admin: AdminClient, fail: (error: unknown) => void) {
    this.#options = options
    this.#fail = fail
    this.#log = {
      consistencyPath: async (from, to) => {
        const { path } = await admin.request('audit.consistency', { from, to })
        return path.map(fromBase64url)
      },
      takeCosignature: async (treeSize, lines) => {
        await admin.request('audit.cosign', { treeSize, lines })
      },
    }
  }

  take(note: Uint8Array): void {
    this.#newest = note
    if (this.#isRunning) return
    this.#isRunning = true
    this.#run()
      .catch(this.#fail)
      .finally(() => {
        this.#isRunning = false
      })
  }

  async #run(): Promise<void> {
    const { witness, onTrouble } = this.#options
    for (let note = this.#newest; note !== undefined; note = this.#newest) {
      this.#newest = undefined
      const text = new TextDecoder().decode(note)
      if (this.#cosigned !== undefined && text.startsWith(this.#cosigned)) continue
      const refusal = await cosignPublished(witness, note, this.#log)
      if (refusal === undefined) this.#cosigned = `${parseSignedNote(text).text}\n`
      else onTrouble(`not cosigned: ${refusal}`)
    }
  }
}
