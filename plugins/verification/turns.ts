import { Fifo } from './fifo.ts'

interface Turn<T> {
  readonly client: object
  readonly items: Fifo<T>
}

/** What waits, by client: clients take turns with one item each, and each one's items keep their order. */
export class Turns<T> {
  readonly #turns = new Map<object, Turn<T>>()
  /** Every client that has something waiting, once. */
  readonly #order = new Fifo<Turn<T>>()
  #length = 0

  /** Items of all clients. */
  get length(): number {
    return this.#length
  }

  /** The item that `take` would take. */
  get first(): T | undefined {
    return this.#order.first?.items.first
  }

  push(client: object, item: T): void {
    let turn = this.#turns.get(client)
    if (turn === undefined) {
      turn = this.#add(client)
      this.#order.push(turn)
    }
    turn.items.push(item)
    this.#length++
  }

  /** Puts an item before the client's others, and a client that has none before the other clients. */
  putBack(client: object, item: T): void {
    let turn = this.#turns.get(client)
    if (turn === undefined) {
      turn = this.#add(client)
      this.#order.unshift(turn)
    }
    turn.items.unshift(item)
    this.#length++
  }

  take(): T | undefined {
    const turn = this.#order.shift()
    const item = turn?.items.shift()
    if (turn === undefined || item === undefined) return undefined
    this.#length--
    if (turn.items.length > 0) this.#order.push(turn)
    else this.#turns.delete(turn.client)
    return item
  }

  takeAll(): T[] {
    const items: T[] = []
    for (let item = this.take(); item !== undefined; item = this.take()) items.push(item)
    return items
  }

  #add(client: object): Turn<T> {
    const turn: Turn<T> = { client, items: new Fifo() }
    this.#turns.set(client, turn)
    return turn
  }
}
