/** Events and what their listeners are called with. */
export type EventMap<E> = { readonly [K in keyof E]: readonly unknown[] }

type Listener<Args extends readonly unknown[]> = (...args: Args) => void

/** Node's EventEmitter as far as clients need it, and typed; browsers have none. */
export class TypedEmitter<E extends EventMap<E>> {
  readonly #listeners = new Map<keyof E, { readonly call: (...args: never) => void; readonly listener: unknown }[]>()

  on<K extends keyof E>(event: K, listener: Listener<E[K]>): this {
    return this.#add(event, listener, listener)
  }

  once<K extends keyof E>(event: K, listener: Listener<E[K]>): this {
    const call: Listener<E[K]> = (...args) => {
      this.off(event, listener)
      listener(...args)
    }
    return this.#add(event, call, listener)
  }

  off<K extends keyof E>(event: K, listener: Listener<E[K]>): this {
    const listeners = this.#listeners.get(event) ?? []
    const at = listeners.findLastIndex((one) => one.listener === listener)
    // A new array: whoever is being told is told to the end.
    if (at >= 0) this.#listeners.set(event, listeners.toSpliced(at, 1))
    return this
  }

  /** As `off`, by the name that Node has for it too. */
  removeListener<K extends keyof E>(event: K, listener: Listener<E[K]>): this {
    return this.off(event, listener)
  }

  /** Resolves with what the next event has. */
  next<K extends keyof E>(event: K): Promise<E[K]> {
    return new Promise((resolve) => {
      this.once(event, (...args: E[K]) => resolve(args))
    })
  }

  /** @returns whether anybody listens */
  protected emit<K extends keyof E>(event: K, ...args: E[K]): boolean {
    const listeners = this.#listeners.get(event) ?? []
    for (const { call } of listeners) (call as Listener<E[K]>)(...args)
    return listeners.length > 0
  }

  #add<K extends keyof E>(event: K, call: Listener<E[K]>, listener: unknown): this {
    const added = { call: call as (...args: never) => void, listener }
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), added])
    return this
  }
}
