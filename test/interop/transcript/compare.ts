import type { Transcript } from './stage.ts'

/** A step whose transcripts differ, with the lines that are in one of them only, and why that is right. */
export interface Difference {
  readonly step: string
  /** Lines that only Mosquitto's clients printed. */
  readonly mosquitto: readonly string[]
  /** Lines that only ours printed. */
  readonly notarymq: readonly string[]
  readonly why: string
}

export interface Comparison {
  /** Every difference of the table that occurred, as text. */
  readonly found: readonly string[]
  /** Differences that are not in the table, and entries of the table that did not occur. */
  readonly problems: readonly string[]
}

/** Compares two transcripts of the same script with the table of differences. */
export function compare(mosquitto: Transcript, notarymq: Transcript, table: readonly Difference[]): Comparison {
  const found: string[] = []
  const problems: string[] = []
  for (const [step, theirs] of mosquitto) {
    const ours = notarymq.get(step) ?? []
    const listed = table.find((difference) => difference.step === step)
    const failed = [...theirs, ...ours].filter((line) => line.startsWith('FAILED'))
    if (same(theirs, ours) && failed.length === 0) {
      if (listed !== undefined) problems.push(`"${step}" is in the table and does not differ`)
      continue
    }
    const only = { mosquitto: without(theirs, ours), notarymq: without(ours, theirs) }
    const isListed = listed !== undefined && failed.length === 0
    if (isListed && same(only.mosquitto, listed.mosquitto) && same(only.notarymq, listed.notarymq))
      found.push(`${step}: ${inWords(only)}\n  ${listed.why}`)
    else problems.push(`"${step}" differs, and not as the table says:\n${inWords(only)}`)
  }
  for (const { step } of table) if (!mosquitto.has(step)) problems.push(`no step is named "${step}"`)
  return { found, problems }
}

function inWords({ mosquitto, notarymq }: Pick<Difference, 'mosquitto' | 'notarymq'>): string {
  const list = (lines: readonly string[]) => lines.map((line) => `\n    ${line}`).join('') || ' nothing'
  // The order alone differs when neither has a line of its own.
  if (mosquitto.length === 0 && notarymq.length === 0) return 'the same lines in another order'
  return `\n  Mosquitto only:${list(mosquitto)}\n  NotaryMQ only:${list(notarymq)}`
}

const same = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((line, index) => line === other[index])

/** Lines of `one` that are not in `other`, each as often as it is missing. */
function without(one: readonly string[], other: readonly string[]): readonly string[] {
  const left = [...other]
  return one.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}
