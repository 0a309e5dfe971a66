interface Link<T> {
  readonly item: T
  next: Link<T> | undefined
}

/** First in, first out, in constant time however long it gets. */
export class Fifo<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The item that `shift` would take. */
  get first(): T | undefined {
    return this.#first?.item
  }

  push(item: T): void {
    const link: Link<T> = { item, next: undefined }
    if (this.#last === undefined) this.#first = link
    else this.#last.next = link
    this.#last = link
    this.#length++
  }

  /** Puts an item before all others. */
  unshift(item: T): void {
    const link: Link<T> = { item, next: this.#first }
    this.#first = link
    this.#last ??= link
    this.#length++
  }

  shift(): T | undefined {
    const link = this.#first
    if (link === undefined) return undefined
    this.#first = link.next
    if (link.next === undefined) this.#last = undefined
    this.#length--
    return link.item
  }
}
