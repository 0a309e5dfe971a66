import type { MqttClient } from 'mqtt'
import { checkpointTopic, encodeItems, fromBase64url, tileWidth } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { RemoteLog, TileOrEntries } from '../watch/http-log.ts'
import type { ProvingLog } from '../watch/proofs-check.ts'
import { AdminClient } from './admin-client.ts'
import { type ConnectionFlags, connect } from './connection.ts'

const checkpointTimeoutMs = 30_000
/** A block of as many leaves as a commit can have is shorter. */
const maxPacketBytes = 16 * 1024 * 1024

/** A connection for questions, and one for checkpoints. */
interface Link {
  readonly admin: AdminClient
  readonly client: MqttClient
}

/**
 * A log that its broker tells over MQTT: the retained checkpoint, proofs by `audit.consistency`, and leaves by
 * `audit.block`, which is for administrators. It has no tiles.
 */
export class MqttLog implements RemoteLog, ProvingLog {
  readonly #flags: ConnectionFlags
  #link: Link | undefined
  /** Leaves from this index on, up to the end of the block that was read last. */
  #from = 0
  #leaves: Uint8Array[] = []

  constructor(flags: ConnectionFlags) {
    this.#flags = flags
  }

  checkpoint(): Promise<Uint8Array> {
    return this.#ask(({ client }) => newest(client))
  }

  read(file: TileOrEntries): Promise<Uint8Array> {
    if (file.kind === 'tile') throw new ClientError('ERR_LOG_UNREACHABLE', 'a broker tells no tiles over MQTT')
    const first = file.index * tileWidth
    return this.#ask(async ({ admin }) => encodeItems(await this.#leavesOf(admin, first, first + file.width)))
  }

  consistencyPath(from: number, to: number): Promise<readonly Uint8Array[]> {
    return this.#ask(async ({ admin }) => pathIn(await admin.request('audit.consistency', { from, to })))
  }

  /** Whether the broker shows leaves to this client. @throws {ClientError} ERR_LOG_UNREACHABLE */
  mayReadLeaves(): Promise<boolean> {
    return this.#ask(async ({ admin }) => {
      try {
        await admin.request('audit.block', { index: 0 })
        return true
      } catch (error) {
        if (error instanceof ClientError && error.details.cause === 'not-authorized') return false
        throw error
      }
    })
  }

  async close(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    this.#leaves = []
    await link?.admin.close()
    await link?.client.endAsync(true)
  }

  async #leavesOf(admin: AdminClient, first: number, end: number): Promise<readonly Uint8Array[]> {
    if (first < this.#from || first > this.#from + this.#leaves.length) {
      this.#from = first
      this.#leaves = []
    }
    this.#leaves.splice(0, first - this.#from)
    this.#from = first
    while (first + this.#leaves.length < end) {
      const index = first + this.#leaves.length
      const { firstIndex, leaves } = await admin.request('audit.block', { index })
      const wanted = leaves.slice(index - firstIndex)
      if (index < firstIndex || wanted.length === 0) break
      for (const leaf of wanted) this.#leaves.push(fromBase64url(leaf))
    }
    return this.#leaves.slice(0, end - first)
  }

  /**
   * Connects where there is no connection, and gives it up when anything fails.
   * @throws {ClientError} ERR_LOG_UNREACHABLE, ERR_USAGE
   */
  async #ask<T>(question: (link: Link) => Promise<T>): Promise<T> {
    try {
      // A client that lost its connection would keep what it is asked until it has one again: never.
      if (this.#link?.admin.isConnected === false || this.#link?.client.connected === false) await this.close()
      this.#link ??= await open(this.#flags)
      return await question(this.#link)
    } catch (cause) {
      await this.close()
      if (cause instanceof ClientError && cause.code === 'ERR_USAGE') throw cause
      const { host, port } = this.#flags
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new ClientError('ERR_LOG_UNREACHABLE', `${host}:${port}: ${why}`, {}, cause)
    }
  }
}

/** Attacker-controlled; whether the hashes prove anything is not asked. @returns nothing of what is no list of hashes */
function pathIn({ path }: { readonly path: unknown }): readonly Uint8Array[] {
  if (!Array.isArray(path) || !path.every((hash): hash is string => typeof hash === 'string')) return []
  try {
    return path.map(fromBase64url)
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}

async function open(flags: ConnectionFlags): Promise<Link> {
  const admin = await AdminClient.connect(flags, maxPacketBytes)
  try {
    return { admin, client: await connect(flags, maxPacketBytes) }
  } catch (error) {
    await admin.close()
    throw error
  }
}

/** The checkpoint that everybody is told: what a new subscription begins with, or the first one of a log. */
function newest(client: MqttClient): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      client.removeListener('message', onMessage)
      client.removeListener('close', onClose)
    }
    const fail = (error: ClientError) => {
      end()
      reject(error)
    }
    const onMessage = (topic: string, note: Buffer) => {
      if (topic !== checkpointTopic) return
      end()
      resolve(note)
    }
    const onClose = () => fail(new ClientError('ERR_CONNECTION', 'the connection ended'))
    const timer = setTimeout(() => fail(new ClientError('ERR_TIMEOUT', 'there is no checkpoint')), checkpointTimeoutMs)
    client.on('message', onMessage)
    client.on('close', onClose)
    client.subscribeAsync(checkpointTopic, { qos: 0 }).catch((cause: unknown) => {
      fail(new ClientError('ERR_REFUSED', 'the broker publishes no checkpoints to this client', {}, cause))
    })
  })
}
