import type { AedesOptions } from 'aedes'
import { topicMatchesFilter } from '../../protocol/index.ts'

type Emitter = NonNullable<AedesOptions['mq']>
type Packet = { readonly topic: string }
type Listener = (packet: Packet, done: () => void) => void

const nothing = () => {}

/**
 * What the engine is given as its emitter (`opts.mq`): it carries what the engine tells itself on `$SYS/<id>/...`, which
 * no client sees. Messages of clients are routed from the commit, by the sessions.
 */
export class EngineBus {
  readonly #listeners = new Map<string, Set<Listener>>()

  on(topicFilter: string, listener: Listener, done: () => void = nothing): this {
    const listeners = this.#listeners.get(topicFilter) ?? new Set()
    listeners.add(listener)
    this.#listeners.set(topicFilter, listeners)
    // The engine counts on hearing of it later.
    setImmediate(done)
    return this
  }

  removeListener(topicFilter: string, listener: Listener, done: () => void = nothing): this {
    const listeners = this.#listeners.get(topicFilter)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(topicFilter)
    setImmediate(done)
    return this
  }

  emit(packet: Packet, done: () => void = nothing): this {
    for (const [topicFilter, listeners] of this.#listeners) {
      if (!topicMatchesFilter(packet.topic, topicFilter)) continue
      for (const listener of listeners) listener(packet, nothing)
    }
    setImmediate(done)
    return this
  }

  close(done: () => void = nothing): void {
    this.#listeners.clear()
    setImmediate(done)
  }
}

/** The engine's types ask for the whole of MQEmitter; it uses these four. */
export function asEmitter(bus: EngineBus): Emitter {
  return bus as unknown as Emitter
}
