import type { Client, PublishPacket } from 'aedes'
import type { RefusalCause } from '../../protocol/index.ts'
import { isOpenQos2 } from '../aedes-seams.ts'

/** What a QoS 2 publish is. */
export type Qos2Publish =
  /** The first of its exchange. */
  | { readonly kind: 'first'; readonly settled: Settled }
  /** Sent again; the engine has it. `first` resolves when the first one was settled, with its refusal if it had one. */
  | { readonly kind: 'again'; readonly first: Promise<RefusalCause | undefined> }

export type Settled = (refusal: RefusalCause | undefined) => void

/**
 * Recognises retransmitted QoS 2 publishes, which the engine sends through the hook again: without this they would
 * enter the chain twice. What is stored is asked of the session; what is on its way there is remembered here.
 */
export class OpenQos2 {
  readonly #inFlight = new Map<string, Promise<RefusalCause | undefined>>()

  async begin(client: Client, packet: PublishPacket): Promise<Qos2Publish> {
    const id = `${packet.messageId} ${client.id}`
    const isNew = !this.#inFlight.has(id)
    if (isNew && (await isOpenQos2(client, packet))) return { kind: 'again', first: Promise.resolve(undefined) }
    // Looked up after the wait: a copy in the same socket read asked the session at the same time.
    const first = this.#inFlight.get(id)
    if (first !== undefined) return { kind: 'again', first }
    return { kind: 'first', settled: this.#open(id) }
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
