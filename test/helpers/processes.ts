import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { cliArguments } from './broker.ts'
import { atEnd } from './cleanup.ts'

/** A process that ended. */
export interface Ended {
  /** Exit code, or the name of the signal that ended it. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

export interface ProcessOptions {
  readonly cwd?: string
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Given on standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array
  /** More may come on standard input; nothing does. Default false. */
  readonly isInputOpen?: boolean
}

/** No process of a test may take longer: it is killed then, so that the test fails with its output. */
const longestRunMs = 90_000

/** A process with everything that it wrote, killed when the test ends. */
export class TestProcess {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #name: string
  readonly #waiting = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #hasEnded = false

  constructor(t: TestContext, command: string, args: readonly string[], options: ProcessOptions = {}) {
    this.#name = [command, ...args].join(' ')
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...options.env }
    this.child = spawn(command, args, { env, ...(options.cwd === undefined ? undefined : { cwd: options.cwd }) })
    this.child.stdin?.on('error', () => {
      // It ended without reading its input, which is its right.
    })
    if (!options.isInputOpen) this.child.stdin?.end(options.input)
    else if (options.input !== undefined) this.child.stdin?.write(options.input)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      for (const look of this.#waiting) look()
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      for (const look of this.#waiting) look()
    })
    const timer = setTimeout(() => this.child.kill('SIGKILL'), longestRunMs)
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      clearTimeout(timer)
      this.#hasEnded = true
      for (const look of this.#waiting) look()
      return { code: (code ?? signal) as number | string, stdout: this.#stdout, stderr: this.#stderr }
    })
    atEnd(t, () => this.kill())
  }

  /** Whole lines of standard output so far. */
  get lines(): readonly string[] {
    return this.#stdout.split('\n').slice(0, -1)
  }

  /** The first line of standard output that matches. @throws when the process ends without one */
  line(pattern: RegExp): Promise<string> {
    return this.#find(() => this.lines, pattern)
  }

  /** The same of standard error. */
  errorLine(pattern: RegExp): Promise<string> {
    return this.#find(() => this.#stderr.split('\n').slice(0, -1), pattern)
  }

  #find(lines: () => readonly string[], pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = lines().find((line) => pattern.test(line))
        if (found === undefined && !this.#hasEnded) return
        this.#waiting.delete(look)
        if (found !== undefined) resolve(found)
        else reject(new Error(`${this.#name} ended without a line ${pattern}:\n${this.#stdout}${this.#stderr}`))
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.child.kill('SIGKILL')
    await this.ended
  }
}

/** Runs a program to its end. */
export function run(
  t: TestContext,
  command: string,
  args: readonly string[],
  options?: ProcessOptions,
): Promise<Ended> {
  return new TestProcess(t, command, args, options).ended
}

/** Runs the command line of this working tree. */
export function runCli(t: TestContext, args: readonly string[], options?: ProcessOptions): Promise<Ended> {
  return run(t, process.execPath, [...cliArguments, ...args], options)
}
