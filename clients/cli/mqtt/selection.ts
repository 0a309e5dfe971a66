import { isValidTopicFilter, topicMatchesFilter } from '../../../protocol/index.ts'
import { integerOption, usageError } from '../command.ts'

/** Flags by which `sub` chooses what it prints; those of mosquitto_sub. */
export const selectionOptions = {
  'filter-out': { type: 'string', short: 'T', multiple: true },
  count: { type: 'string', short: 'C' },
  'no-retained': { type: 'boolean', short: 'R' },
  'retained-only': { type: 'boolean' },
  'random-filter': { type: 'string' },
} as const

export interface SelectionFlags {
  readonly 'filter-out'?: readonly string[] | undefined
  readonly count?: string | undefined
  readonly 'no-retained'?: boolean | undefined
  readonly 'retained-only'?: boolean | undefined
  readonly 'random-filter'?: string | undefined
}

/** What to do with a message: print it, leave it out, or end, because none will be printed any more. */
export type Choice = 'print' | 'skip' | 'end'

/** Chooses among messages, and counts those that were printed. */
export class Selection {
  readonly #flags: SelectionFlags
  readonly #percentage: number
  #left: number

  /** @throws {ClientError} ERR_USAGE */
  constructor(flags: SelectionFlags) {
    this.#flags = flags
    this.#left = integerOption('-C', flags.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY
    for (const filter of flags['filter-out'] ?? []) {
      if (!isValidTopicFilter(filter)) throw usageError(`-T ${filter} is not a topic filter`)
    }
    if (flags['no-retained'] && flags['retained-only']) throw usageError('-R and --retained-only leave nothing')
    this.#percentage = percentageOf(flags['random-filter'])
  }

  choose({ topic, retain }: { readonly topic: string; readonly retain: boolean }): Choice {
    // What comes while the client takes its leave.
    if (this.#left <= 0) return 'skip'
    if (this.#flags['retained-only'] && !retain) return 'end'
    if (this.#flags['no-retained'] && retain) return 'skip'
    if (this.#flags['filter-out']?.some((filter) => topicMatchesFilter(topic, filter))) return 'skip'
    return this.#percentage < 100 && Math.random() * 100 >= this.#percentage ? 'skip' : 'print'
  }

  /** Counts a message that was printed. @returns whether it was the last one */
  printed(): boolean {
    this.#left--
    return this.#left <= 0
  }
}

function percentageOf(text: string | undefined): number {
  const value = Number(text ?? 100)
  if (!(value > 0 && value <= 100)) throw usageError(`--random-filter is a percentage above 0, not ${text}`)
  return value
}
