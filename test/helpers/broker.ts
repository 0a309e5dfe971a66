import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type BrokerOptions, createBroker, type NotaryBroker } from '../../broker/index.ts'
import { atEnd } from './cleanup.ts'
import { configurationText } from './configuration.ts'
import { temporaryDirectory } from './temporary.ts'

export interface RunningBroker {
  readonly broker: NotaryBroker
  readonly location: string
  /** TCP port on 127.0.0.1. */
  readonly port: number
  /** WebSocket port on 127.0.0.1. */
  readonly webSocketPort: number
}

/** A broker in this process on free loopback ports, closed when the test ends: anonymous clients, who are administrators. */
export async function startBroker(t: TestContext, options: Partial<BrokerOptions> = {}): Promise<RunningBroker> {
  const location = options.location ?? temporaryDirectory(t)
  const broker = await createBroker({
    location,
    listeners: [
      { protocol: 'mqtt', port: 0, host: '127.0.0.1' },
      { protocol: 'websockets', port: 0, host: '127.0.0.1', allowedOrigins: 'localhost' },
    ],
    allowAnonymous: true,
    anonymousAdmin: true,
    log: { destinations: [{ kind: 'stderr' }], types: ['error'], timestamps: true },
    ...options,
  })
  atEnd(t, () => broker.close())
  const portOf = (protocol: string) => broker.listeners.find((listener) => listener.protocol === protocol)?.port ?? 0
  return { broker, location, port: portOf('mqtt'), webSocketPort: portOf('websockets') }
}

export interface SpawnedBroker {
  readonly child: ChildProcess
  readonly port: number
  readonly location: string
  /** Everything it wrote so far. */
  readonly log: () => string
  /** Ends it and resolves with exit code or signal name. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | string>
}

/**
 * The command line of this working tree: from its sources; in CI, where `npm ci` has just built it, as it is shipped,
 * which also starts in a third of the time.
 */
export const cliArguments = programArguments('broker/cli')

/** The same for a program by its path, without extension. */
export function programArguments(path: string): readonly string[] {
  return process.env.CI === 'true'
    ? [fileURLToPath(new URL(`../../dist/${path}.js`, import.meta.url))]
    : ['--import', import.meta.resolve('tsx'), fileURLToPath(new URL(`../../${path}.ts`, import.meta.url))]
}

/** The real program in a process of its own, on a loopback port; resolves when it is running, rejects when it ends first. */
export async function spawnBroker(
  t: TestContext,
  options: { location?: string; port?: number; lines?: readonly string[] } = {},
): Promise<SpawnedBroker> {
  const location = options.location ?? temporaryDirectory(t)
  const port = options.port ?? (await freePort())
  const configFile = join(temporaryDirectory(t), 'test.conf')
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', `persistence_location ${location}`]
  writeFileSync(configFile, configurationText([...lines, 'notary_admin anonymous', ...(options.lines ?? [])]))
  const child = spawn(process.execPath, [...cliArguments, '-c', configFile], { stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  const append = (chunk: Buffer) => {
    log += chunk.toString()
  }
  child.stdout.on('data', append)
  child.stderr.on('data', append)
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  atEnd(t, () => stop('SIGKILL'))
  const isRunning = new Promise<void>((resolve) => {
    child.stderr.on('data', () => {
      if (/ running$/m.test(log)) resolve()
    })
  })
  await Promise.race([
    isRunning,
    ended.then((code) => {
      throw new Error(`the broker ended with ${code} before it was running:\n${log}`)
    }),
  ])
  return { child, port, location, log: () => log, stop }
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
