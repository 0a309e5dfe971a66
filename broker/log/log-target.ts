import type { LogTypeWord } from './log-options.ts'

/** A kind of line: the log types without those that stand for several. */
export type LineType = Exclude<LogTypeWord, 'none' | 'all' | 'internal'>

/** Where lines go. Nothing here throws: a log that cannot be written must not end the broker. */
export interface LogTarget {
  /** @param prefix time stamp as configured, empty without one  @param text one line without its end */
  write(type: LineType, prefix: string, text: string): void
  /** Begins a new file where the old one was moved away. */
  reopen?(): void
  /** Resolves when everything was given to the system, or cannot be. */
  close?(): Promise<void>
}
