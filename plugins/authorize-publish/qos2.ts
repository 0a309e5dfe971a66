import type { Client, PublishPacket } from 'aedes'
import type { RefusalCause } from '../../protocol/index.ts'
import { isOpenQos2 } from '../aedes-seams.ts'
import type { StoreOperation } from '../audit-chain/index.ts'

/**
 * Remembers on disk which QoS 2 publishes of persistent sessions are recorded, from the commit until their PUBREL. Only
 * a broker that sees every PUBREL can provide it.
 */
export interface Qos2Marks {
  /** Written in the batch of the record. Undefined for sessions that end with their connection. */
  markOf(client: Client, packet: PublishPacket): StoreOperation | undefined
  /** Whether exactly this publish is marked. */
  isMarked(client: Client, packet: PublishPacket): Promise<boolean>
}

/** What a QoS 2 publish is. */
export type Qos2Publish =
  /** The first of its exchange. */
  | { readonly kind: 'first'; readonly settled: Settled }
  /** Sent again; the engine has it. `first` resolves when the first one was settled, with its refusal if it had one. */
  | { readonly kind: 'again'; readonly first: Promise<RefusalCause | undefined> }
  /** Sent again after a crash: recorded, but the engine never got it. */
  | { readonly kind: 'recorded'; readonly settled: Settled }

export type Settled = (refusal: RefusalCause | undefined) => void

/**
 * Recognises retransmitted QoS 2 publishes, which the engine sends through the hook again: without this they would
 * enter the chain twice. What is stored is asked of the session; what is on its way there is remembered here.
 */
export class OpenQos2 {
  readonly #inFlight = new Map<string, Promise<RefusalCause | undefined>>()
  readonly #marks: Qos2Marks | undefined

  constructor(marks: Qos2Marks | undefined) {
    this.#marks = marks
  }

  async begin(client: Client, packet: PublishPacket): Promise<Qos2Publish> {
    const id = `${packet.messageId} ${client.id}`
    const isNew = !this.#inFlight.has(id)
    if (isNew && (await isOpenQos2(client, packet))) return { kind: 'again', first: Promise.resolve(undefined) }
    const isRecorded = isNew && (await this.#marks?.isMarked(client, packet)) === true
    // Looked up after the waits: a copy in the same socket read asked the session at the same time.
    const first = this.#inFlight.get(id)
    if (first !== undefined) return { kind: 'again', first }
    return { kind: isRecorded ? 'recorded' : 'first', settled: this.#open(id) }
  }

  /** What to write with the record. */
  markOf(client: Client, packet: PublishPacket): readonly StoreOperation[] {
    const mark = this.#marks?.markOf(client, packet)
    return mark === undefined ? [] : [mark]
  }

  #open(id: string): Settled {
    let settled: Settled = () => {}
    const first = new Promise<RefusalCause | undefined>((resolve) => {
      settled = (refusal) => {
        this.#inFlight.delete(id)
        resolve(refusal)
      }
    })
    this.#inFlight.set(id, first)
    return settled
  }
}
