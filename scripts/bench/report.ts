import type { Machine } from './machine.ts'
import { spread } from './statistics.ts'
import type { LoadVariant, Variant } from './variants.ts'
import { load } from './workload.ts'

export interface Run {
  date: string
  machine: Machine
  rounds: number
  /** What this run is not, when it is less than the full benchmark. */
  remarks: string[]
  variants: Variant[]
}

export const method =
  `${load.publishers} publishers, ${load.payloadBytes}-byte payloads, QoS 1, window ${load.window} (refilled by ${load.batch} or more at once), one clean-session QoS 0 subscriber, ` +
  'MQTT 3.1.1 on 127.0.0.1; brokers and load generator in processes of their own; one warm-up round, then in every round each variant once, ' +
  'the order rotated; packets encoded and signed before the clock starts; from the first PUBLISH to the last PUBACK (acked/s) and to the last ' +
  'delivery (delivered/s); every message checked to arrive exactly once and in order; medians over the rounds, in brackets smallest and largest; ratios of medians inside this run; generator busy is its CPU time by elapsed time, and near 100 % the figure is a lower bound; stolen is the share of CPU time the hypervisor gave to other machines meanwhile.'

/** Design section 10: what each ratio is to reach first, and later. */
interface Goal {
  label: string
  workload: LoadVariant['workload']
  against: 'mosquitto' | 'aedes' | 'limit'
  first: string
  later: string
}
const goals: readonly Goal[] = [
  { label: 'unsigned, NotaryMQ / Mosquitto', workload: 'unsigned', against: 'mosquitto', first: '1.2', later: '1.8' },
  { label: 'unsigned, NotaryMQ / plain Aedes', workload: 'unsigned', against: 'aedes', first: '1.0', later: '1.5' },
  { label: 'signed, NotaryMQ / verification limit', workload: 'signed', against: 'limit', first: '0.6', later: '> 1' },
]

const whole = (value: number) => Math.round(value).toLocaleString('en-US')
const hundredths = (value: number) => value.toFixed(2)
const percent = (value: number) => `${Math.round(value * 100)} %`
const row = (cells: string[]) => `| ${cells.join(' | ')} |`

/** Median and extremes; `unknown` where the machine does not tell. */
function cell<S>(samples: readonly S[], show: (value: number) => string, pick: (sample: S) => number | undefined) {
  const values = samples.map(pick).filter((value) => value !== undefined)
  if (values.length === 0) return 'unknown'
  const { median, min, max } = spread(values)
  return `${show(median)} (${show(min)}–${show(max)})`
}

export function renderMarkdown(run: Run): string {
  const { machine } = run
  const lines = [
    `## Benchmark, ${run.date}`,
    '',
    `${machine.cores} cores, ${machine.model}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}. Rounds: ${run.rounds}.`,
    '',
    `Method: ${method}`,
    '',
    machine.fsyncNote,
    ...run.remarks.flatMap((remark) => ['', `**${remark}**`]),
    '',
    row(['variant', 'messages', 'acked/s', 'delivered/s', 'broker CPU s', 'generator busy', 'stolen']),
    row(['---', '---:', '---:', '---:', '---:', '---:', '---:']),
    ...run.variants.flatMap(variantRow),
  ]
  const ratios = goals.flatMap((goal) => ratioRow(run.variants, goal))
  if (ratios.length > 0) {
    const header = ['ratio of medians', 'acked', 'delivered', 'first goal', 'then']
    lines.push('', row(header), row(['---', '---:', '---:', '---:', '---:']), ...ratios)
  }
  const notes = new Set(
    run.variants.flatMap((variant) => (variant.kind === 'load' && variant.note ? [variant.note] : [])),
  )
  lines.push('', ...[...notes].map((note) => `- ${note}`))
  for (const variant of run.variants) {
    if (variant.noResult !== undefined) lines.push(`- ${nameOf(variant)}: no result: ${variant.noResult}`)
  }
  return `${lines.join('\n')}\n`
}

export function nameOf(variant: Variant): string {
  return variant.kind === 'limit' ? 'P-256 verification limit' : `${variant.workload}, ${variant.peer}`
}

/** No row without a result: a rate at which messages were lost is not a rate. */
function variantRow(variant: Variant): string[] {
  if (variant.kind === 'load' && variant.notInstalled) {
    return [row([nameOf(variant), 'not installed', '', '', '', '', ''])]
  }
  if (variant.noResult !== undefined || variant.samples.length === 0) return []
  const stolen = cell<{ stolenShare?: number }>(variant.samples, percent, (sample) => sample.stolenShare)
  if (variant.kind === 'limit') {
    const rate = cell(variant.samples, whole, (sample) => sample.verifiesPerSecond)
    return [row([`${nameOf(variant)} (${variant.method})`, '', `${rate} verifications/s`, '', '', '', stolen])]
  }
  return [
    row([
      nameOf(variant),
      whole(variant.messages),
      cell(variant.samples, whole, (sample) => sample.acknowledgedPerSecond),
      cell(variant.samples, whole, (sample) => sample.deliveredPerSecond),
      cell(variant.samples, hundredths, (sample) => sample.brokerCpuSeconds),
      cell(variant.samples, percent, (sample) => sample.generatorBusy),
      stolen,
    ]),
  ]
}

function ratioRow(variants: readonly Variant[], goal: Goal): string[] {
  const ours = medians(variants, (v) => v.kind === 'load' && v.peer === 'notarymq' && v.workload === goal.workload)
  const theirs = medians(variants, (v) =>
    goal.against === 'limit'
      ? v.kind === 'limit'
      : v.kind === 'load' && v.peer === goal.against && v.workload === goal.workload,
  )
  if (ours === undefined || theirs === undefined) return []
  const ratio = (a: number, b: number) => (a / b).toFixed(2)
  const cells = [ratio(ours.acknowledged, theirs.acknowledged), ratio(ours.delivered, theirs.delivered)]
  return [row([goal.label, ...cells, goal.first, goal.later])]
}

function medians(variants: readonly Variant[], matches: (variant: Variant) => boolean) {
  const variant = variants.find(matches)
  if (variant === undefined || variant.noResult !== undefined || variant.samples.length === 0) return undefined
  if (variant.kind === 'limit') {
    const limit = spread(variant.samples.map((sample) => sample.verifiesPerSecond)).median
    return { acknowledged: limit, delivered: limit }
  }
  return {
    acknowledged: spread(variant.samples.map((sample) => sample.acknowledgedPerSecond)).median,
    delivered: spread(variant.samples.map((sample) => sample.deliveredPerSecond)).median,
  }
}

/** Samples of a variant without result stay out of the JSON too. */
export function renderJson(run: Run): string {
  const variants = run.variants.map((variant) =>
    variant.noResult === undefined ? variant : { ...variant, samples: [] },
  )
  return `${JSON.stringify({ ...run, method, variants }, null, 2)}\n`
}
