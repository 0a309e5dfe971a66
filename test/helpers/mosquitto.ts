import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from './broker.ts'
import { configurationText } from './configuration.ts'
import { untilListening } from './listening.ts'
import { type Ended, TestProcess } from './processes.ts'
import { temporaryDirectory } from './temporary.ts'
import { hasTool } from './tools.ts'

/** Debian's broker; not the clients of its name. */
export const hasMosquitto = (t: TestContext) => hasTool(t, 'mosquitto', ['-h'], 'mosquitto')

/** One that accepts connections. */
export interface RunningMosquitto {
  /** On 127.0.0.1. */
  readonly port: number
  readonly process: TestProcess
}

/**
 * Starts Mosquitto on a loopback port; it is ended with the test.
 * @param lines of its configuration, beside listener and user
 * @returns how it ended, when it does not start
 */
export async function tryMosquitto(t: TestContext, lines: readonly string[]): Promise<RunningMosquitto | Ended> {
  const port = await freePort()
  const file = join(temporaryDirectory(t), 'mosquitto.conf')
  writeFileSync(file, configurationText([`listener ${port} 127.0.0.1`, ...lines]))
  const broker = new TestProcess(t, 'mosquitto', ['-c', file])
  return (await untilListening(port, broker.ended)) ?? { port, process: broker }
}

/** The same with a configuration that it has to take. */
export async function startMosquitto(t: TestContext, lines: readonly string[]): Promise<RunningMosquitto> {
  const result = await tryMosquitto(t, lines)
  if ('port' in result) return result
  throw new Error(`mosquitto ended with ${result.code}:\n${result.stderr}`)
}
