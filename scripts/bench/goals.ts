import { type RowName, rowOf } from './rows.ts'
import { median } from './statistics.ts'
import type { Variant } from './variants.ts'

/** Design section 10: what NotaryMQ is to reach first, and later, beside what. */
interface Goal {
  row: RowName
  /** Name of a figure of the row. */
  figure: string
  /** `signed`: the same figure of our own row of that name, or the one that `theirs` names. */
  against: 'mosquitto' | 'aedes' | 'limit' | 'signed' | 'nothing'
  /** The other side's figure, where it has another name. */
  theirs?: string
  /** `difference` is ours minus theirs; `value` is ours alone. */
  as: 'ratio' | 'difference' | 'value'
  /** None where the design names none: the comparison is shown all the same. */
  first?: { least: number } | { most: number }
  later?: string
}

const ratio = { as: 'ratio' } as const
const goals: readonly Goal[] = [
  { row: 'clean', figure: 'acked', against: 'mosquitto', ...ratio, first: { least: 1.2 }, later: '>= 1.8' },
  { row: 'clean', figure: 'delivered', against: 'mosquitto', ...ratio, first: { least: 1.2 }, later: '>= 1.8' },
  { row: 'clean', figure: 'acked', against: 'aedes', ...ratio, first: { least: 1 }, later: '>= 1.5' },
  { row: 'clean', figure: 'delivered', against: 'aedes', ...ratio, first: { least: 1 }, later: '>= 1.5' },
  { row: 'clean-q1', figure: 'delivered', against: 'mosquitto', ...ratio },
  { row: 'persistent', figure: 'delivered', against: 'mosquitto', ...ratio, first: { least: 1 }, later: '>= 1.3' },
  { row: 'offline', figure: 'acked', against: 'mosquitto', ...ratio, first: { least: 0.9 }, later: '>= 1.1' },
  { row: 'drain', figure: 'delivered', against: 'mosquitto', ...ratio, first: { least: 1 }, later: '>= 2' },
  { row: 'fanout', figure: 'delivered', against: 'mosquitto', ...ratio, first: { least: 1.5 }, later: '>= 4' },
  { row: 'retained', figure: 'exact', against: 'nothing', as: 'value', first: { most: 2 }, later: '<= 1 ms' },
  { row: 'retained', figure: 'wildcard', against: 'mosquitto', ...ratio, first: { most: 1 }, later: '<= 0.5' },
  { row: 'retained', figure: 'all', against: 'mosquitto', ...ratio, first: { most: 0.5 }, later: '<= 0.25' },
  { row: 'idle', figure: 'memory', against: 'aedes', ...ratio, first: { most: 1 } },
  { row: 'idle', figure: 'memory', against: 'nothing', as: 'value', later: '<= 36 kB' },
  {
    row: 'latency',
    figure: 'ackP50',
    against: 'mosquitto',
    as: 'difference',
    first: { most: 0.6 },
    later: '<= 0.3 ms',
  },
  {
    row: 'latency',
    figure: 'deliveryP50',
    against: 'mosquitto',
    as: 'difference',
    first: { most: 0.6 },
    later: '<= 0.3 ms',
  },
  { row: 'latency', figure: 'ackP99', against: 'mosquitto', as: 'difference' },
  { row: 'signed', figure: 'acked', against: 'limit', ...ratio, first: { least: 0.6 }, later: '> 1' },
  {
    row: 'forged',
    figure: 'refused',
    against: 'signed',
    theirs: 'acked',
    ...ratio,
    first: { least: 3 },
    later: '>= 10',
  },
  {
    row: 'append',
    figure: 'recorded',
    against: 'nothing',
    as: 'value',
    first: { least: 110_000 },
    later: '>= 180,000/s',
  },
  {
    row: 'verify',
    figure: 'hashed',
    against: 'nothing',
    as: 'value',
    first: { least: 300_000 },
    later: '>= 1,000,000/s',
  },
  { row: 'verify', figure: 'verified', against: 'limit', ...ratio, first: { least: 0.8 }, later: '>= 0.95' },
  { row: 'flooded', figure: 'acked', against: 'signed', ...ratio, first: { least: 0.8 } },
]

/** Whether a figure of the row is compared with what the machine verifies at most. */
export function isAgainstLimit(row: RowName): boolean {
  return goals.some((goal) => goal.row === row && goal.against === 'limit')
}

export interface JudgedGoal extends Goal {
  label: string
  /** Ratio or difference of medians inside this run, or our median. */
  measured: number
  /** Undefined without a first goal. */
  met?: boolean
  /** The load generator was the limit on one side at least: the comparison says less than it seems to. */
  limited: boolean
}

/** Median CPU share of the load generator from which on a rate is not the broker's alone. */
const busyGenerator = 0.9

/** Only rates have such a limit: with one message in flight the generator's own turn is part of every peer's figure. */
export function isGeneratorBusy(variant: Variant): boolean {
  if (variant.kind === 'limit' || variant.samples.length === 0) return false
  if (rowOf(variant.row).figures.every(({ unit }) => unit !== 'per second')) return false
  return median(variant.samples.map((sample) => sample.generatorBusy)) > busyGenerator
}

/** The goals that this run can say something about: those whose both sides have a result. */
export function judgeGoals(variants: readonly Variant[]): JudgedGoal[] {
  return goals.flatMap((goal) => {
    const ours = find(variants, goal.row, 'notarymq')
    const theirs = otherSide(variants, goal)
    const own = ours && figureMedian(ours, goal.figure)
    const other = theirs && figureMedian(theirs, goal.theirs ?? goal.figure)
    if (own === undefined || (goal.against !== 'nothing' && other === undefined)) return []
    const measured = compare(goal.as, own, other ?? 0)
    const limited = [ours, theirs].some((variant) => variant !== undefined && isGeneratorBusy(variant))
    const met = isMet(goal, measured)
    return [{ ...goal, label: labelOf(goal), measured, limited, ...(met === undefined ? {} : { met }) }]
  })
}

function compare(as: Goal['as'], own: number, other: number): number {
  if (as === 'value') return own
  return as === 'ratio' ? own / other : own - other
}

function isMet({ first }: Goal, measured: number): boolean | undefined {
  if (first === undefined) return undefined
  return 'least' in first ? measured >= first.least : measured <= first.most
}

const sideNames = {
  mosquitto: 'Mosquitto',
  aedes: 'plain Aedes',
  limit: 'verification limit',
  signed: 'signed, acked/s',
} as const

function labelOf({ row, figure, against, as }: Goal): string {
  const label = `${row}, ${rowOf(row).figures.find(({ name }) => name === figure)?.label ?? figure}: NotaryMQ`
  if (against === 'nothing') return label
  return `${label} ${as === 'ratio' ? '/' : '-'} ${sideNames[against]}`
}

function otherSide(variants: readonly Variant[], { row, against }: Goal): Variant | undefined {
  if (against === 'nothing') return undefined
  return against === 'signed' ? find(variants, 'signed', 'notarymq') : find(variants, row, against)
}

function find(variants: readonly Variant[], row: RowName, side: 'mosquitto' | 'aedes' | 'limit' | 'notarymq') {
  return variants.find((variant) =>
    variant.kind === 'limit' ? side === 'limit' : variant.row === row && variant.peer === side,
  )
}

/** Undefined without a result: a rate at which messages were lost is not a rate. */
export function figureMedian(variant: Variant, figure: string): number | undefined {
  if (variant.noResult !== undefined || variant.samples.length === 0) return undefined
  if (variant.kind === 'limit') return median(variant.samples.map((sample) => sample.verifiesPerSecond))
  const values = variant.samples.flatMap((sample) => sample.figures[figure] ?? [])
  return values.length === 0 ? undefined : median(values)
}
