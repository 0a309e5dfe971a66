import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { RawClient } from '../raw-client.ts'

export const host = '127.0.0.1'

/** What NotaryMQ and Mosquitto alike may have in flight towards a subscriber: as much as a publisher towards them. */
export const maxInflightMessages = 100

export type PeerName = 'notarymq' | 'mosquitto' | 'aedes'
export const peerNames: readonly PeerName[] = ['notarymq', 'mosquitto', 'aedes']

/** A broker under measurement, in a process of its own. */
export interface Peer {
  name: PeerName
  /** What was started, for the report: program and version, and anything a reader must know. */
  note: string
  port: number
  pid: number
  /** Set once the process has ended, whoever ended it. */
  exited: () => string | undefined
  stop: () => Promise<void>
}

/** The program is not on this machine: no failure, its column says so and the run goes on. */
export class NotInstalledError extends Error {}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

export interface PeerProcess {
  name: PeerName
  note: string
  port: number
  command: string
  args: string[]
  /** An open channel lets our own children end when we disappear; Mosquitto has no use for one. */
  ipc?: boolean
}

const readyMs = 20_000
const stopMs = 10_000
const keptOutputCharacters = 2000

/** Starts a broker and waits until it answers CONNECT; what it printed becomes part of the error when it does not. */
export async function startPeer({ name, note, port, command, args, ipc = false }: PeerProcess): Promise<Peer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc' as const] : [])] })
  let output = ''
  let exited: string | undefined
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-keptOutputCharacters)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('error', (error) => {
    exited = error.message
  })
  child.on('exit', (code, signal) => {
    exited ??= `ended with ${signal ?? `code ${code}`}`
  })
  const stopAtExit = () => child.kill('SIGKILL')
  process.once('exit', stopAtExit)
  const stop = async () => {
    await stopChild(child, () => exited !== undefined)
    process.off('exit', stopAtExit)
  }
  const deadline = Date.now() + readyMs
  for (;;) {
    try {
      const client = await RawClient.connect({ host, port, clientId: 'bench-ready', answerTimeoutMs: 1000 })
      client.disconnect()
      return { name, note, port, pid: child.pid ?? 0, exited: () => exited, stop }
    } catch (error) {
      if (exited === undefined && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        continue
      }
      await stop()
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(`${name} did not start: ${exited ?? reason}\n${output.trim()}`)
    }
  }
}

async function stopChild(child: ChildProcess, hasExited: () => boolean): Promise<void> {
  if (hasExited()) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await gone
  clearTimeout(timer)
}
