import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { type DirectiveName, honouredDirectives } from '../../../broker/config/directives.ts'
import { cliArguments, freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { configurationText } from '../../helpers/configuration.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/** Longest wait for something that is to happen: the machine is shared. */
export const patienceMs = 20_000

/** Says that the test below sees the effect of these directives from outside. `covers.test.ts` collects the names. */
export function covers(...names: readonly DirectiveName[]): void {
  for (const name of names) assert.ok(Object.hasOwn(honouredDirectives, name), `${name} is not honoured`)
}

export interface ProgramOptions {
  /** After `-c FILE`. */
  readonly args?: readonly string[]
  /** What starts it, before the command line of node. */
  readonly prefix?: readonly string[]
  readonly cwd?: string
  readonly nodeArguments?: readonly string[]
}

/** The real program with a configuration of which every line is given here, killed when the test ends. */
export class Program {
  readonly child: ChildProcess
  readonly ended: Promise<number | string>
  readonly #configFile: string
  readonly #waiting = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #hasEnded = false

  /** Starts it and waits for nothing. Without `lines` it gets no configuration. */
  constructor(t: TestContext, lines: readonly string[] | undefined, options: ProgramOptions = {}) {
    this.#configFile = join(temporaryDirectory(t), 'test.conf')
    if (lines !== undefined) this.rewrite(lines)
    const { args = [], prefix = [], cwd, nodeArguments = [] } = options
    const config = lines === undefined ? [] : ['-c', this.#configFile]
    const all = [...prefix, process.execPath, ...nodeArguments, ...cliArguments, ...config, ...args]
    const [command = '', ...rest] = all
    this.child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) })
    const heard = () => {
      for (const look of this.#waiting) look()
    }
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      heard()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      heard()
    })
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#hasEnded = true
      heard()
      return (code ?? signal) as number | string
    })
    atEnd(t, () => this.stop('SIGKILL'))
  }

  /** Starts it and waits until it says on standard error that it is running. */
  static async start(t: TestContext, lines: readonly string[] | undefined, options?: ProgramOptions): Promise<Program> {
    const program = new Program(t, lines, options)
    await program.says(/ running$/m)
    return program
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  /** How often standard error has it so far. */
  count(pattern: RegExp): number {
    return this.#stderr.split('\n').filter((line) => pattern.test(line)).length
  }

  /** The first line of standard error that matches, or that many. @throws when it ends, or after `patienceMs` */
  says(pattern: RegExp, times = 1): Promise<string> {
    return this.until(
      () => {
        const found = this.#stderr.split('\n').filter((line) => pattern.test(line))
        return found.length >= times ? found[times - 1] : undefined
      },
      () => `${pattern} was not said ${times} times`,
    )
  }

  /** Looks each time that it writes something. */
  until<T>(look: () => T | undefined, what: () => string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer)
        this.#waiting.delete(attempt)
        end()
      }
      const fail = () => settle(() => reject(new Error(`${what()}:\n${this.#stderr}${this.#stdout}`)))
      const attempt = () => {
        const found = look()
        if (found !== undefined) settle(() => resolve(found))
        else if (this.#hasEnded) fail()
      }
      const timer = setTimeout(fail, patienceMs)
      this.#waiting.add(attempt)
      attempt()
    })
  }

  rewrite(lines: readonly string[]): void {
    writeFileSync(this.#configFile, configurationText(lines))
  }

  /** Sends SIGHUP and waits until it is done with: what is sent to the broker afterwards meets the new state. */
  async reload(): Promise<void> {
    const line = /(Config reloaded\.|the configuration was not reloaded.*)$/
    const before = this.count(line)
    this.child.kill('SIGHUP')
    await this.says(line, before + 1)
  }

  /** SIGHUP with something that must not be taken over. */
  async reloadFails(): Promise<void> {
    const line = /the configuration was not reloaded/
    const before = this.count(line)
    await this.reload()
    assert.equal(this.count(line), before + 1, this.stderr)
  }

  /** Ends it. @returns exit code or name of the signal */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
    return this.ended
  }
}

/** The real program as far as these lines change it: anybody may come in by one loopback port, the data are its own. */
export async function openBroker(
  t: TestContext,
  lines: readonly string[],
): Promise<{ port: number; program: Program }> {
  const port = await freePort()
  const common = [`persistence_location ${temporaryDirectory(t)}`, `listener ${port} 127.0.0.1`, 'allow_anonymous true']
  return { port, program: await Program.start(t, [...common, ...lines]) }
}

/** Tries to come in. @returns 0, or the code of the CONNACK that refuses; 'closed' where there is none */
export async function enter(
  t: TestContext,
  where: number | string,
  options: IClientOptions = {},
): Promise<number | 'closed'> {
  try {
    const client = await TestClient.connect(t, where, options)
    await client.end()
    return 0
  } catch (error) {
    const { code } = error as { code?: unknown }
    return typeof code === 'number' ? code : 'closed'
  }
}

/** Tries until it is so. */
export async function eventually<T>(attempt: () => Promise<T> | T, isRight: (result: T) => boolean): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const result = await attempt()
    if (isRight(result)) return result
    if (Date.now() > deadline) assert.fail(`still ${JSON.stringify(result)} after ${patienceMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Retained messages below `$SYS/` that a new client gets. */
export async function sysMessages(t: TestContext, port: number, filter = '$SYS/#'): Promise<Map<string, string>> {
  const client = await TestClient.connect(t, port)
  await client.subscribe(filter, 0)
  // Retained messages come with SUBACK; this one comes after them.
  const marker = `marker/${client.id}`
  await client.subscribe(marker, 0)
  await client.publish(marker, '')
  await client.waitFor(1, ({ topic }) => topic === marker)
  await client.end()
  return new Map(
    client.received.filter(({ topic }) => topic !== marker).map(({ topic, payload }) => [topic, `${payload}`]),
  )
}

/** Resolves when the broker ends the connection of this client; to be called before it has a reason to. */
export function departureOf({ id, mqtt }: TestClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${id} is still connected after ${patienceMs} ms`)), patienceMs)
    mqtt.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
