import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type BenchOptions, parseArguments, UsageError, usage } from './arguments.ts'
import { LoadGenerator } from './load-generator.ts'
import { describeMachine } from './machine.ts'
import { startAedes } from './peers/aedes.ts'
import { startMosquitto } from './peers/mosquitto.ts'
import { startNotarymq } from './peers/notarymq.ts'
import { NotInstalledError, type Peer, type PeerName } from './peers/peer.ts'
import { nameOf, type Run, renderJson, renderMarkdown } from './report.ts'
import { makePublisherKeys, type PublisherKey, type Variant, VariantRunner } from './variants.ts'
import { load } from './workload.ts'

const progress = (line: string) => process.stderr.write(`${line}\n`)

/** The variants of this run in the order of the table. */
function planVariants({ workloads, peers, messagesPerPublisher }: BenchOptions): Variant[] {
  const messages = messagesPerPublisher * load.publishers
  const variants: Variant[] = []
  for (const workload of workloads) {
    // Nobody else checks signatures, so nobody else can be compared on them.
    for (const peer of workload === 'signed' ? peers.filter((name) => name === 'notarymq') : peers) {
      variants.push({ kind: 'load', workload, peer, note: '', messages, samples: [], notInstalled: false })
    }
  }
  const hasSigned = variants.some((variant) => variant.kind === 'load' && variant.workload === 'signed')
  if (hasSigned) variants.push({ kind: 'limit', method: '', samples: [] })
  return variants
}

async function startPeers(variants: Variant[], directory: string, keys: PublisherKey[]): Promise<Map<PeerName, Peer>> {
  const start: Record<PeerName, () => Promise<Peer>> = {
    notarymq: () => startNotarymq({ directory, publicKeys: keys.map((key) => key.publicKey) }),
    mosquitto: () => startMosquitto(directory),
    aedes: startAedes,
  }
  const peers = new Map<PeerName, Peer>()
  const loads = variants.filter((variant) => variant.kind === 'load')
  for (const name of new Set(loads.map((variant) => variant.peer))) {
    const own = loads.filter((variant) => variant.peer === name)
    try {
      const peer = await start[name]()
      peers.set(name, peer)
      for (const variant of own) variant.note = peer.note
      progress(`${name}: ${peer.note}`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      progress(reason)
      for (const variant of own) {
        if (error instanceof NotInstalledError) variant.notInstalled = true
        else variant.noResult = reason.split('\n', 1)[0] ?? reason
      }
    }
  }
  return peers
}

/** Out of the run: without a result already, or a limit that nothing is left to be compared with. */
function isOver(variant: Variant, variants: Variant[]): boolean {
  if (variant.noResult !== undefined) return true
  if (variant.kind === 'load') return variant.notInstalled
  return !variants.some((other) => other.kind === 'load' && other.workload === 'signed' && other.noResult === undefined)
}

/** Round 0 warms up and is not kept, but a loss in it counts like any other. */
async function runRounds(rounds: number, variants: Variant[], runner: VariantRunner, peers: Map<PeerName, Peer>) {
  for (let round = 0; round <= rounds; round++) {
    const first = round % Math.max(variants.length, 1)
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) {
      if (isOver(variant, variants)) continue
      const result = await runner.run(variant, peers, round > 0)
      progress(`${round === 0 ? 'warm-up' : `round ${round}/${rounds}`}  ${nameOf(variant)}: ${result}`)
    }
  }
}

function remarksOn(options: BenchOptions): string[] {
  return options.rounds < 5 ? ['Fewer than 5 rounds: a trial, not a result.'] : []
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
  const variants = planVariants(options)
  const generator = new LoadGenerator()
  const peers = await startPeers(variants, directory, keys)
  try {
    await runRounds(options.rounds, variants, new VariantRunner(generator, keys), peers)
  } finally {
    generator.stop()
    await Promise.all([...peers.values()].map((peer) => peer.stop()))
  }
  const run: Run = { date, machine, rounds: options.rounds, remarks: remarksOn(options), variants }
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
