/** What becomes of a line: it does what it says; it changes nothing here, said once at start; the broker does not start. */
export type Verdict = 'honoured' | 'ignored' | 'refused'

/**
 * How often a directive may stand in its scope. `once`: Mosquitto refuses a second string. `last`: a second boolean or
 * number wins, said at start. `accumulates`: each line adds something.
 */
export type Repetition = 'once' | 'last' | 'accumulates'

/**
 * What a line belongs to: the broker; the listener above it; the `connection` above it; or, for `security`, the broker
 * unless `per_listener_settings true` gives it to the listener above it.
 */
export type Scope = 'broker' | 'security' | 'listener' | 'connection'

/**
 * What SIGHUP makes of another value: it holds at once, for clients that are connected too; it holds for connections that
 * come from then on, as those that are there were told the value before, or came in by it; it takes a restart.
 */
export type Reload = 'at-once' | 'new-connections' | 'restart'

interface Described {
  /** What stands after the name, as in a manual page. */
  readonly syntax: string
  /** What holds without it; `none` where nothing does. */
  readonly default: string
  /** One line: what it does, also where it does nothing here. */
  readonly summary: string
  readonly scope: Scope
}

export interface HonouredDirective extends Described {
  readonly verdict: 'honoured'
  readonly repetition: Repetition
  readonly reload: Reload
  /** The name under which it is counted: another word for the same. */
  readonly sameAs?: string
  /** Read, checked and tested, but without effect yet: refused until this is taken away. */
  readonly isUnsupported?: true
}

export interface IgnoredDirective extends Described {
  readonly verdict: 'ignored'
  /** What the value must look like; a misspelled value is an error although it has no effect. */
  readonly value: 'boolean' | 'integer' | 'text'
  /** Why it may be ignored: goes into the log at start. */
  readonly reason: string
}

export interface RefusedDirective extends Described {
  readonly verdict: 'refused'
  /** Why, and what to do: goes into the error. */
  readonly reason: string
}

export type Directive = HonouredDirective | IgnoredDirective | RefusedDirective
