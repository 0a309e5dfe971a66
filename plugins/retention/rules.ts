import { type Erasable, isValidTopicFilter } from '../../protocol/index.ts'

/** How long to keep what: whatever lies beyond one of the limits is erased, the oldest first. */
export interface RetentionRule {
  readonly what: Erasable
  /** Seconds since the record. */
  readonly ageSeconds?: number
  /** Newest records that are kept. */
  readonly count?: number
  /** Bytes that the newest ones may have together. */
  readonly bytes?: number
  /** Of publishes that this topic filter matches alone. */
  readonly topic?: string
}

/** What is wrong with a rule; undefined when nothing is. */
export function faultOfRetentionRule(rule: RetentionRule): string | undefined {
  const { what, ageSeconds, count, bytes, topic } = rule
  if (what !== 'bodies' && what !== 'records') return 'what is erased is bodies or records'
  if (topic !== undefined && !isValidTopicFilter(topic)) return 'topic is a topic filter'
  const limits = Object.entries({ ageSeconds, count, bytes }).filter(([, limit]) => limit !== undefined)
  if (limits.length === 0) return 'a limit of age, count or size is needed'
  for (const [name, limit] of limits) {
    if (!Number.isSafeInteger(limit) || (limit as number) < (name === 'ageSeconds' ? 1 : 0)) {
      return `${name} is an integer, at least ${name === 'ageSeconds' ? 1 : 0}`
    }
  }
  return undefined
}

/** The rule as its erasure records name it: as in a configuration, in seconds and bytes. */
export function retentionText({ what, ageSeconds, count, bytes, topic }: RetentionRule): string {
  const limits = { age: ageSeconds && `${ageSeconds}s`, count, size: bytes, topic }
  const words = Object.entries(limits).flatMap(([word, value]) => (value === undefined ? [] : `${word} ${value}`))
  return ['notary_retention', what, ...words].join(' ')
}
