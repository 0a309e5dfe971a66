import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface VerifyLimit {
  verifiesPerSecond: number
  /** How it was measured; a figure from another method is not the same figure. */
  method: string
}

const seconds = 3

/** P-256 verifications a second on all cores: `openssl speed`, or node:crypto in as many processes where there is no openssl. */
export async function measureVerifyLimit(): Promise<VerifyLimit> {
  const cores = availableParallelism()
  const args = ['speed', '-multi', `${cores}`, '-seconds', `${seconds}`, 'ecdsap256']
  let output: string
  try {
    output = (await promisify(execFile)('openssl', args, { timeout: 60_000 })).stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return {
      verifiesPerSecond: await verifyInProcesses(cores),
      method: `node:crypto in ${cores} processes (no openssl)`,
    }
  }
  return { verifiesPerSecond: parseOpensslSpeed(output), method: `openssl ${args.join(' ')}` }
}

/** The last column of the P-256 line: `256 bits ecdsa (nistp256)  0.0000s  0.0001s  43873.0  13624.0`. */
export function parseOpensslSpeed(output: string): number {
  const line = output.split('\n').find((candidate) => /ecdsa \(nistp256\)/.test(candidate))
  const verifiesPerSecond = Number(line?.trim().split(/\s+/).at(-1))
  if (!(verifiesPerSecond > 0)) throw new Error('openssl speed printed no line for ecdsa (nistp256)')
  return verifiesPerSecond
}

/** One process per core: a worker thread of Node 20 does not load TypeScript through tsx. */
async function verifyInProcesses(cores: number): Promise<number> {
  const entry = fileURLToPath(new URL('./verify-process.ts', import.meta.url))
  const execArgv = ['--import', import.meta.resolve('tsx')]
  const rates = Array.from({ length: cores }, async () => {
    const child = fork(entry, [`${seconds}`], { execArgv, timeout: 60_000 })
    const answered = once(child, 'message').then(([rate]) => Number(rate))
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('a verification process gave no rate')))
    return Promise.race([answered, ended])
  })
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0)
}
