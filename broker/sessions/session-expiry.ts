import { alarmAt } from './alarm.ts'
import { neverExpires, type Session } from './session.ts'

export interface SessionExpiryOptions {
  readonly now: () => number
  /** Seconds that a session without a connection lives at most, as it is now; 0: as long as its client asked. */
  readonly longestSeconds: () => number
  /** The time of a session is over. */
  readonly onDue: (session: Session) => void
}

/** When sessions without a connection end. */
export class SessionExpiry {
  readonly #options: SessionExpiryOptions
  readonly #alarms = new Map<Session, () => void>()

  constructor(options: SessionExpiryOptions) {
    this.#options = options
  }

  /** Counts from when the client left; anew for a session that was counted for. */
  begin(session: Session): void {
    this.cancel(session)
    const { now, longestSeconds, onDue } = this.#options
    // As with Mosquitto the shorter of both: a client that asks for a long time gets no more than one that sets no end.
    const seconds = Math.min(session.expiryIntervalSeconds, longestSeconds() || neverExpires)
    if (seconds === neverExpires) return
    const endAtMs = (session.disconnectedAtMs ?? now()) + seconds * 1000
    this.#alarms.set(
      session,
      alarmAt(endAtMs, now, () => onDue(session)),
    )
  }

  /** It has a connection again, or has ended. */
  cancel(session: Session): void {
    this.#alarms.get(session)?.()
    this.#alarms.delete(session)
  }

  /** No timer of a broker that ends may start something. */
  stop(): void {
    for (const cancel of this.#alarms.values()) cancel()
  }
}
