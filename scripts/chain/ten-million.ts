import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Interval, measureLargeChain } from './large-chain.ts'

// Fills a chain with ten million records, and prints how fast it was at the beginning and at the end, what memory and
// disk it took, how long the next start took, and how long proofs take. Progress goes to standard error, JSON to standard
// output. Not part of `npm test`: it takes minutes and some gigabytes.

const usage = 'npm run test:ten-million -- [--records N (default 10000000)] [--dir DIR (default bench-results)]\n'

function progress({ records, perSecond, residentBytes }: Interval): void {
  const memory = `${Math.round(residentBytes / 2 ** 20)} MiB resident`
  process.stderr.write(`${records} records: ${Math.round(perSecond)}/s, ${memory}\n`)
}

async function run(records: number, parent: string): Promise<void> {
  mkdirSync(parent, { recursive: true })
  const location = mkdtempSync(join(parent, '.large-chain-'))
  const remove = () => rmSync(location, { recursive: true, force: true })
  process.once('exit', remove)
  const perInterval = Math.min(1_000_000, Math.ceil(records / 2))
  const report = await measureLargeChain({
    location,
    records,
    perInterval,
    perCommit: 300,
    proofs: 2000,
    queries: 200,
    onInterval: progress,
  })
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
}

// A handler, so that leaving through process.exit runs the listener that removes the chain.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000000' },
    dir: { type: 'string', default: 'bench-results' },
  },
})
const records = Number(values.records)
if (Number.isSafeInteger(records) && records > 0) await run(records, values.dir)
else {
  process.stderr.write(usage)
  process.exitCode = 2
}
