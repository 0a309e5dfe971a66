import { bytesEqual } from '../../protocol/index.ts'
import { MacSession, type MacSessionFields } from './mac-session.ts'

/** Longest time that a timer of Node takes; a session that lives longer is looked at again then. */
const longestTimerMs = 2 ** 31 - 1

/** How many sessions there are, counted by all that share it. */
export interface SessionTally {
  live: number
}

/**
 * The session of one connection. A new exchange does not end the session before it at once: what the client sent under
 * the old one may still be on its way, and the answer may get lost. The first valid MAC of the new one does. So there are
 * two at most: the one in use, and the newest that waits to be confirmed.
 */
export class MacSessions {
  readonly #now: () => number
  readonly #tally: SessionTally
  readonly #elsewhere: (sid: Uint8Array) => MacSession | undefined
  #confirmed: MacSession | undefined
  #waiting: MacSession | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  /**
   * @param now wall clock, milliseconds
   * @param tally that counts them too
   * @param elsewhere looks for sessions that are not of this connection but may be used on it
   */
  constructor(
    now: () => number,
    tally: SessionTally = { live: 0 },
    elsewhere: (sid: Uint8Array) => MacSession | undefined = () => undefined,
  ) {
    this.#now = now
    this.#tally = tally
    this.#elsewhere = elsewhere
  }

  /** A live session by its id. */
  find(sid: Uint8Array): MacSession | undefined {
    this.#endOver()
    return this.#held.find((session) => bytesEqual(session.sid, sid)) ?? this.#elsewhere(sid)
  }

  /** Thumbprint of the key that the client has proved to hold: that of its confirmed session, while it lives. */
  get provenKey(): Uint8Array | undefined {
    this.#endOver()
    return this.#confirmed?.signer.thumbprint
  }

  /** The answer to a request that was answered here and whose session lives. */
  responseTo(requestDigest: Uint8Array): Uint8Array | undefined {
    this.#endOver()
    return this.#held.find((session) => bytesEqual(session.requestDigest, requestDigest))?.response
  }

  /** Begins a session. @returns undefined when the connection has ended meanwhile */
  begin(fields: MacSessionFields): MacSession | undefined {
    if (this.#isClosed) {
      fields.agreed.key.fill(0)
      return undefined
    }
    const session = new MacSession(fields, this.#now(), {
      onConfirmed: () => this.#replace(session),
      onEnded: () => this.#tally.live--,
    })
    this.#tally.live++
    this.#waiting?.end()
    this.#waiting = session
    this.#schedule()
    return session
  }

  /** Ends all of them, and takes no more. */
  close(): void {
    this.#isClosed = true
    for (const session of this.#held) session.end()
    this.#confirmed = undefined
    this.#waiting = undefined
    clearTimeout(this.#timer)
  }

  get #held(): MacSession[] {
    return [this.#waiting, this.#confirmed].filter((session) => session !== undefined)
  }

  #replace(confirmed: MacSession): void {
    this.#confirmed?.end()
    this.#confirmed = confirmed
    this.#waiting = undefined
    this.#schedule()
  }

  #endOver(): void {
    const nowMs = this.#now()
    if (this.#waiting?.isLive(nowMs) === false) {
      this.#waiting.end()
      this.#waiting = undefined
    }
    if (this.#confirmed?.isLive(nowMs) === false) {
      this.#confirmed.end()
      this.#confirmed = undefined
    }
  }

  /** Nobody may ever ask for a session that is over; its key goes all the same. */
  #schedule(): void {
    clearTimeout(this.#timer)
    const ends = this.#held.map((session) => session.endsAtMs)
    if (ends.length === 0) return
    const waitMs = Math.min(Math.max(Math.min(...ends) - this.#now(), 0) + 1, longestTimerMs)
    this.#timer = setTimeout(() => {
      this.#endOver()
      this.#schedule()
    }, waitMs)
    this.#timer.unref()
  }
}
