import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cliArguments, freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { configurationText } from '../../helpers/configuration.ts'
import { untilListening } from '../../helpers/listening.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

export type ProgramName = 'mosquitto' | 'notarymq'

/** What an operator has on disk, apart from ports and directories. */
export interface Site {
  /** Lines of mosquitto.conf behind those that name ports and files. */
  readonly lines: readonly string[]
  readonly passwords: string
  readonly acl: string
}

/** Longest wait for a program to start or to take a signal; only a failing test waits that long. */
const patienceMs = 30_000

/** A broker as its operator runs it: a process, a configuration, a password file and an access control list. */
export class Program {
  readonly name: ProgramName
  readonly directory: string
  /** Of the ordinary listener, and of the one where the username is the client id. */
  readonly ports: { readonly main: number; readonly byName: number }
  #site: Site
  #child: ChildProcess | undefined
  #log = ''

  private constructor(name: ProgramName, directory: string, ports: Program['ports'], site: Site) {
    this.name = name
    this.directory = directory
    this.ports = ports
    this.#site = site
  }

  /** Starts it; ended when the test ends. */
  static async start(t: TestContext, name: ProgramName, site: Site): Promise<Program> {
    const directory = temporaryDirectory(t)
    chmodSync(directory, 0o755)
    mkdirSync(join(directory, 'data'))
    const program = new Program(name, directory, { main: await freePort(), byName: await freePort() }, site)
    atEnd(t, () => program.end('SIGKILL'))
    program.change({})
    await program.#start()
    return program
  }

  /** Writes files anew; they hold from the next reload or restart. */
  change(changes: Partial<Site>): void {
    this.#site = { ...this.#site, ...changes }
    const { lines, passwords, acl } = this.#site
    const configuration = [
      `listener ${this.ports.main} 127.0.0.1`,
      `listener ${this.ports.byName} 127.0.0.1`,
      'use_username_as_clientid true',
      `password_file ${join(this.directory, 'passwords')}`,
      `acl_file ${join(this.directory, 'acl')}`,
      `persistence_location ${join(this.directory, 'data')}/`,
      'log_dest stderr',
      ...lines,
    ]
    for (const [file, text] of Object.entries({ passwords, acl, conf: configurationText(configuration) }))
      writeFileSync(join(this.directory, file), text)
  }

  /** SIGHUP. What both do then is done before they look at their sockets again. */
  async reload(): Promise<void> {
    // Mosquitto says one line, and is through with it before it reads from a client again; ours says when it is.
    const said = /Reloading config\.$|Config reloaded\.$|the configuration was not reloaded/gm
    const count = () => this.#log.match(said)?.length ?? 0
    const lines = this.name === 'mosquitto' ? 1 : 2
    const before = count()
    this.#child?.kill('SIGHUP')
    for (const deadline = Date.now() + patienceMs; count() < before + lines; await sleep(10)) {
      if (Date.now() > deadline) throw new Error(`${this.name} does not reload:\n${this.#log}`)
    }
  }

  /** Stops it as a service manager does, and starts it again. */
  async restart(): Promise<void> {
    await this.end('SIGTERM')
    await this.#start()
  }

  /** @returns exit code or name of the signal; undefined when it does not run */
  async end(signal: NodeJS.Signals): Promise<number | string | undefined> {
    const child = this.#child
    if (child === undefined) return undefined
    this.#child = undefined
    const ended = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit')
    child.kill(signal)
    await ended
    return child.exitCode ?? child.signalCode ?? undefined
  }

  async #start(): Promise<void> {
    const [command, args] =
      this.name === 'mosquitto' ? ['mosquitto', []] : [process.execPath, [...cliArguments, 'broker']]
    const child = spawn(command, [...args, '-c', join(this.directory, 'conf')], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text
    })
    const ended = once(child, 'exit').then(([code, signal]) => `ended with ${code ?? signal}`)
    const late = sleep(patienceMs, 'does not start', { ref: false })
    const problem = await untilListening(this.ports.byName, Promise.race([ended, late]))
    if (problem !== undefined) throw new Error(`${this.name} ${problem}:\n${this.#log}`)
  }
}
