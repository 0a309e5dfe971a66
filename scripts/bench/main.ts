import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type BenchOptions, defaultMessages, parseArguments, UsageError, usage } from './arguments.ts'
import { LoadGenerator } from './load-generator.ts'
import { describeMachine } from './machine.ts'
import { startAedes } from './peers/aedes.ts'
import { startMosquitto } from './peers/mosquitto.ts'
import { startNotarymq } from './peers/notarymq.ts'
import { NotInstalledError } from './peers/peer.ts'
import { PeerPool } from './peers/peer-pool.ts'
import { type Run, renderJson, renderMarkdown } from './report.ts'
import { type Instance, rowOf } from './rows.ts'
import { makePublisherKeys, VariantRunner } from './variant-runner.ts'
import { isOver, nameOf, planVariants, type RowVariant, type Variant } from './variants.ts'

const progress = (line: string) => process.stderr.write(`${line}\n`)

/** Starts each peer once, so that one that is absent or broken is known before the first round. Returns their notes. */
async function tryPeers(variants: Variant[], pool: PeerPool): Promise<string[]> {
  const notes: string[] = []
  const measured = variants.filter((variant) => variant.kind === 'row')
  for (const name of new Set(measured.map((variant) => variant.peer))) {
    const own = measured.filter(({ peer }) => peer === name)
    try {
      const { note } = await pool.get(name, rowOf((own[0] as RowVariant).row).instance)
      notes.push(note)
      progress(`${name}: ${note}`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      progress(reason)
      for (const variant of own) {
        if (error instanceof NotInstalledError) variant.notInstalled = true
        else variant.noResult = reason.split('\n', 1)[0] ?? reason
      }
    }
  }
  return notes
}

/** Round 0 warms up and is not kept, but a loss in it counts like any other. */
async function runRounds(rounds: number, variants: Variant[], runner: VariantRunner) {
  for (let round = 0; round <= rounds; round++) {
    const first = round % Math.max(variants.length, 1)
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) {
      if (isOver(variant, variants)) continue
      const result = await runner.run(variant, round > 0)
      progress(`${round === 0 ? 'warm-up' : `round ${round}/${rounds}`}  ${nameOf(variant)}: ${result}`)
    }
  }
}

function remarksOn({ rounds, messages }: BenchOptions): string[] {
  return [
    ...(rounds < 5 ? ['Fewer than 5 rounds: a trial, not a result.'] : []),
    ...(messages === defaultMessages ? [] : [`Goals are for --messages ${defaultMessages}; this run had ${messages}.`]),
  ]
}

async function bench(options: BenchOptions): Promise<number> {
  const parent = options.directory ?? 'bench-results'
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, '.run-'))
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeDirectory)
  const date = new Date().toISOString()
  const machine = describeMachine(directory)
  const keys = makePublisherKeys()
  const publicKeys = keys.map((key) => key.publicKey)
  const variants = planVariants(options)
  const generator = new LoadGenerator()
  const start = {
    notarymq: (own: string, instance: Instance) => startNotarymq({ directory: own, publicKeys, instance }),
    mosquitto: startMosquitto,
    aedes: startAedes,
  }
  const pool = new PeerPool(start, directory)
  let peerNotes: string[] = []
  try {
    peerNotes = await tryPeers(variants, pool)
    await runRounds(options.rounds, variants, new VariantRunner(generator, pool, keys, directory))
  } finally {
    generator.stop()
    await pool.stopAll()
  }
  const run: Run = { date, machine, rounds: options.rounds, remarks: remarksOn(options), peerNotes, variants }
  const file = options.json ?? join('bench-results', `${date.replaceAll(':', '-')}.json`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, renderJson(run))
  process.stdout.write(renderMarkdown(run))
  progress(`written: ${file}`)
  return variants.some((variant) => variant.noResult !== undefined) ? 1 : 0
}

// A handler, so that leaving through process.exit runs the exit listeners that stop the brokers.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  const options = parseArguments(process.argv.slice(2))
  if (options === 'help') process.stdout.write(usage)
  else process.exitCode = await bench(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n\n${usage}`)
  process.exitCode = 2
}
