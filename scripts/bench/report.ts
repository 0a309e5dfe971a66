import { formatFigure, formatHundredths, formatPercent, formatters, formatWhole } from './format.ts'
import { isGeneratorBusy, type JudgedGoal, judgeGoals } from './goals.ts'
import type { Machine } from './machine.ts'
import { method, methodOfRows } from './method.ts'
import { type PeerName, peerNames } from './peers/peer.ts'
import { type Figure, type RowName, rowNames, rowOf } from './rows.ts'
import { spread } from './statistics.ts'
import { nameOf, type RowVariant, type Variant } from './variants.ts'

export interface Run {
  date: string
  machine: Machine
  rounds: number
  /** What this run is not, when it is less than the full benchmark. */
  remarks: string[]
  /** What was started: programs, versions and settings. */
  peerNotes: string[]
  variants: Variant[]
}

const peerTitles: Record<PeerName, string> = { notarymq: 'NotaryMQ', mosquitto: 'Mosquitto', aedes: 'plain Aedes' }

const cells = (texts: string[]) => `| ${texts.join(' | ')} |`

/** The first `left` columns to the left, the others, with numbers, to the right. */
function table(header: string[], left: number, lines: string[][]): string[] {
  const rule = header.map((_, column) => (column < left ? '---' : '---:'))
  return lines.length === 0 ? [] : ['', cells(header), cells(rule), ...lines.map(cells)]
}

/** Median and extremes; `unknown` where the machine does not tell. */
function summary<S>(samples: readonly S[], show: (value: number) => string, pick: (sample: S) => number | undefined) {
  const values = samples.map(pick).filter((value) => value !== undefined)
  if (values.length === 0) return 'unknown'
  const { median, min, max } = spread(values)
  return `${show(median)} (${show(min)}–${show(max)})`
}

const hasResult = (variant: Variant) => variant.noResult === undefined && variant.samples.length > 0

export function renderMarkdown(run: Run): string {
  const { machine, variants } = run
  const measured = variants.filter((variant) => variant.kind === 'row')
  const peers = peerNames.filter((name) => measured.some(({ peer }) => peer === name))
  const rows = rowNames.filter((name) => measured.some(({ row }) => row === name))
  const figures = rows.flatMap((row) => rowOf(row).figures.map((figure) => figureLine(measured, peers, row, figure)))
  const goalHeader = ['NotaryMQ beside the others', 'measured', 'first goal', '', 'then']
  const costHeader = ['variant', 'size', 'broker CPU s', 'generator busy', 'stolen']
  return `${[
    `## Benchmark, ${run.date}`,
    '',
    `${machine.cores} cores, ${machine.model}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}. Rounds: ${run.rounds}.`,
    '',
    `Method: ${method}`,
    '',
    ...methodOfRows(rows),
    '',
    machine.fsyncNote,
    ...run.remarks.flatMap((remark) => ['', `**${remark}**`]),
    ...table(['row', ...peers.map((peer) => peerTitles[peer])], 1, figures),
    ...table(goalHeader, 1, judgeGoals(variants).map(goalLine)),
    ...table(costHeader, 1, variants.flatMap(costLine)),
    '',
    ...run.peerNotes.map((note) => `- ${note}`),
    ...variants.flatMap((variant) =>
      variant.noResult === undefined ? [] : [`- ${nameOf(variant)}: no result: ${variant.noResult}`],
    ),
  ].join('\n')}\n`
}

/** One figure of one row, a column per peer. A rate at which messages were lost is not a rate: `no result`. */
function figureLine(
  variants: readonly RowVariant[],
  peers: readonly PeerName[],
  row: RowName,
  { name, label, unit }: Figure,
): string[] {
  const columns = peers.map((peer) => {
    const variant = variants.find((candidate) => candidate.row === row && candidate.peer === peer)
    if (variant === undefined) return ''
    if (variant.notInstalled) return 'not installed'
    if (!hasResult(variant)) return 'no result'
    return summary(variant.samples, formatters[unit], ({ figures }) => figures[name]) + mark(isGeneratorBusy(variant))
  })
  return [`${row}, ${label}`, ...columns]
}

const mark = (busy: boolean) => (busy ? ' *' : '')

function goalLine({ label, as, row, figure, measured, limited, first, met, later }: JudgedGoal): string[] {
  const unit = rowOf(row).figures.find(({ name }) => name === figure)?.unit ?? 'per second'
  const shown = as === 'ratio' ? formatHundredths(measured) : formatFigure(measured, unit)
  const bound = first === undefined ? '' : 'least' in first ? `>= ${first.least}` : `<= ${first.most}`
  const verdict = met === undefined ? '' : met ? 'met' : 'not met'
  return [label, shown + mark(limited), bound, verdict, later ?? '']
}

function costLine(variant: Variant): string[][] {
  if (!hasResult(variant)) return []
  const stolen = summary<{ stolenShare?: number }>(variant.samples, formatPercent, (sample) => sample.stolenShare)
  if (variant.kind === 'limit') {
    const rate = summary(variant.samples, formatWhole, (sample) => sample.verifiesPerSecond)
    return [[`${nameOf(variant)} (${variant.method}): ${rate} verifications/s`, '', '', '', stolen]]
  }
  return [
    [
      nameOf(variant),
      `${formatWhole(variant.size)} ${rowOf(variant.row).counted}`,
      summary(variant.samples, formatHundredths, (sample) => sample.brokerCpuSeconds),
      summary(variant.samples, formatPercent, (sample) => sample.generatorBusy),
      stolen,
    ],
  ]
}

/** Samples of a variant without result stay out of the JSON too. */
export function renderJson(run: Run): string {
  const variants = run.variants.map((variant) =>
    variant.noResult === undefined ? variant : { ...variant, samples: [] },
  )
  return `${JSON.stringify({ ...run, method, variants, goals: judgeGoals(run.variants) }, null, 2)}\n`
}
