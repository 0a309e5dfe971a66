import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments, UsageError, usage } from '../../scripts/bench/arguments.ts'
import type { PeerName } from '../../scripts/bench/peers/peer.ts'
import { type Run, renderJson, renderMarkdown } from '../../scripts/bench/report.ts'
import { type RowName, rowNames } from '../../scripts/bench/rows.ts'
import { percentile } from '../../scripts/bench/statistics.ts'
import { planVariants, type RowVariant, type Variant } from '../../scripts/bench/variants.ts'
import { parseOpensslSpeed } from '../../scripts/bench/verify-limit.ts'

type Figures = Record<string, number>
function variant(
  row: RowName,
  peer: PeerName,
  rounds: Figures[],
  rest: Partial<RowVariant> = {},
  busy = 0.5,
): RowVariant {
  const samples = rounds.map((figures) => ({ figures, generatorCpuSeconds: 1, generatorBusy: busy }))
  return { kind: 'row', row, peer, size: 200, samples, notInstalled: false, ...rest }
}
const rates = (...values: number[]): Figures[] => values.map((rate) => ({ acked: rate, delivered: rate / 2 }))
const runOf = (variants: Variant[]): Run => ({
  date: '2026-01-01T00:00:00.000Z',
  machine: { cores: 2, model: 'm', memoryGiB: 1, system: 's', node: 'v20', fdatasyncMs: 1, fsyncNote: 'f' },
  rounds: 5,
  remarks: [],
  peerNotes: ['Mosquitto 2.0.11'],
  variants,
})

test('a variant that lost messages has no figure, no comparison and no sample in the report', () => {
  const run = runOf([
    variant('clean', 'notarymq', rates(12345), { noResult: 'lost 1 of 200' }),
    variant('clean', 'mosquitto', [], { notInstalled: true }),
    variant('clean', 'aedes', rates(12345)),
  ])
  const markdown = renderMarkdown(run)
  assert.match(markdown, /clean, notarymq: no result: lost 1 of 200/)
  assert.match(markdown, /\| clean, acked\/s \| no result \| not installed \| 12,345 /)
  assert.doesNotMatch(markdown, /NotaryMQ \/ plain Aedes/)
  assert.doesNotMatch(markdown, /\| clean, notarymq \|/)
  const json = JSON.parse(renderJson(run))
  assert.equal(json.variants[0].samples.length, 0)
  assert.deepEqual(json.goals, [])
})

test('comparisons are those of the medians, signed against the verification limit', () => {
  const markdown = renderMarkdown(
    runOf([
      variant('clean', 'notarymq', rates(3000, 90, 2000)),
      variant('clean', 'mosquitto', rates(1000, 1, 99999)),
      variant('signed', 'notarymq', rates(700)),
      { kind: 'limit', method: 'openssl', samples: [{ verifiesPerSecond: 900 }, { verifiesPerSecond: 1100 }] },
    ]),
  )
  assert.match(markdown, /\| clean, acked\/s \| 2,000 \(90–3,000\) \|/)
  assert.match(markdown, /\| clean, acked\/s: NotaryMQ \/ Mosquitto \| 2\.00 \| >= 1\.2 \| met \| >= 1\.8 \|/)
  assert.match(markdown, /\| signed, acked\/s: NotaryMQ \/ verification limit \| 0\.70 \| >= 0\.6 \| met \| > 1 \|/)
})

/** One goal as judged in the JSON. */
function judge(row: RowName, figure: string, ours: number, theirs: number, against: PeerName = 'mosquitto') {
  const run = runOf([variant(row, 'notarymq', [{ [figure]: ours }]), variant(row, against, [{ [figure]: theirs }])])
  const goals: { figure: string; as: string; measured: number; met?: boolean }[] = JSON.parse(renderJson(run)).goals
  const found = goals.find((goal) => goal.figure === figure)
  assert.ok(found)
  return found
}

test('a first goal is met at its bound, and not beyond it', () => {
  assert.equal(judge('clean', 'acked', 1200, 1000).met, true)
  assert.equal(judge('clean', 'acked', 1199, 1000).met, false)
  assert.equal(judge('retained', 'all', 50, 100).met, true)
  assert.equal(judge('retained', 'all', 51, 100).met, false)
  assert.equal(judge('retained', 'exact', 2, 0.001).met, true)
  assert.equal(judge('retained', 'exact', 2.1, 1000).met, false)
  assert.equal(judge('idle', 'memory', 45, 44, 'aedes').met, false)
})

test('added latency is the difference to Mosquitto', () => {
  const { as, measured, met } = judge('latency', 'ackP50', 0.75, 0.25)
  assert.deepEqual([as, measured, met], ['difference', 0.5, true])
})

test('forged MACs, and signed messages during a flood of them, are compared with signed messages alone', () => {
  const markdown = renderMarkdown(
    runOf([
      variant('signed', 'notarymq', rates(1000)),
      variant('forged', 'notarymq', [{ refused: 3000 }]),
      variant('flooded', 'notarymq', rates(799)),
    ]),
  )
  assert.match(markdown, /\| forged, refused\/s: NotaryMQ \/ signed, acked\/s \| 3\.00 \| >= 3 \| met \| >= 10 \|/)
  assert.match(markdown, /\| flooded, acked\/s: NotaryMQ \/ signed, acked\/s \| 0\.80 \| >= 0\.8 \| not met \|/)
})

test('a comparison without a goal is shown without a verdict', () => {
  assert.equal('met' in judge('clean-q1', 'delivered', 1, 2), false)
})

test('a rate at which the load generator was busy is marked, a latency is not', () => {
  const busy = (row: RowName, figures: Figures) =>
    renderMarkdown(runOf([variant(row, 'mosquitto', [figures], {}, 0.95)]))
  assert.match(busy('clean', { acked: 1, delivered: 1 }), /\| clean, acked\/s \| 1 \(1–1\) \* \|/)
  assert.doesNotMatch(busy('latency', { ackP50: 1 }), /\| latency, PUBACK p50, ms \| [^|]* \* \|/)
})

test('--only and --peers take lists of known names, in the order of the table, and default to all', () => {
  const parse = (...args: string[]) => {
    const options = parseArguments(args)
    assert.ok(options !== 'help')
    return options
  }
  assert.deepEqual(parse().rows, rowNames)
  assert.deepEqual(parse('--only', 'drain,clean,drain').rows, ['clean', 'drain'])
  assert.deepEqual(parse('--peers', 'aedes').peers, ['aedes'])
  for (const wrong of ['', 'unsigned', 'clean,', 'Clean']) {
    assert.throws(() => parse('--only', wrong), UsageError)
    assert.throws(() => parse('--peers', wrong), UsageError)
  }
})

test('--help names every row', () => {
  for (const name of rowNames) assert.match(usage, new RegExp(`^  ${name} +\\S`, 'm'))
})

test('signatures and the chain are measured on NotaryMQ alone, everything else on every peer', () => {
  const options = parseArguments(['--messages', '400'])
  assert.ok(options !== 'help')
  const variants = planVariants(options).filter((planned) => planned.kind === 'row')
  const ours: readonly RowName[] = ['signed', 'forged', 'flooded', 'append', 'verify']
  for (const row of rowNames) {
    const peers = variants.filter((planned) => planned.row === row).map(({ peer }) => peer)
    assert.deepEqual(peers, ours.includes(row) ? ['notarymq'] : ['notarymq', 'mosquitto', 'aedes'])
  }
  for (const { size } of variants) assert.ok(size > 0 && size % 4 === 0)
})

test('a percentile is the smallest value that enough others do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  assert.equal(percentile(hundred, 0.5), 50)
  assert.equal(percentile(hundred, 0.99), 99)
  assert.equal(percentile([7], 0.99), 7)
  assert.throws(() => percentile([], 0.5), RangeError)
})

test('the verification rate is the last column of the P-256 line of openssl speed', () => {
  const output = [
    '                              sign    verify    sign/s verify/s',
    ' 256 bits ecdsa (nistp256)   0.0000s   0.0001s  43873.0  13624.0',
  ].join('\n')
  assert.equal(parseOpensslSpeed(output), 13624)
  assert.throws(() => parseOpensslSpeed('usage: speed'), /no line for ecdsa/)
})
