/** One place in a lane: what to do when everything before it in the lane has left. */
interface Place {
  leave: (() => void) | undefined
}

/**
 * Keeps what one client sent in its order while signatures are verified side by side: a later one that is ready first
 * waits. [MQTT-5.0 4.6.0-2] demands acknowledgements in the order of the publishes.
 */
export class Lane {
  #places: Place[] = []

  /** @returns to be called once, with what to do, when this one is ready */
  enter(): (leave: () => void) => void {
    const place: Place = { leave: undefined }
    this.#places.push(place)
    return (leave) => {
      place.leave = leave
      while (this.#places[0]?.leave !== undefined) this.#places.shift()?.leave?.()
    }
  }

  /** For what is ready already: does it when everything before it has left, most often at once. */
  run(action: () => void): void {
    if (this.#places.length === 0) action()
    else this.#places.push({ leave: action })
  }
}
