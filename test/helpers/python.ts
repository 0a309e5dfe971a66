import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { TestClient } from './mqtt-clients.ts'
import { type Ended, run, TestProcess } from './processes.ts'
import { python } from './tools.ts'

/** Where the Python implementation lives. */
const folder = fileURLToPath(new URL('../interop/python', import.meta.url))

/** Runs one of its scripts, or `-m` or `-c`, in its folder. */
export function runPython(t: TestContext, args: readonly string[]): Promise<Ended> {
  return run(t, python, args, { cwd: folder })
}

/** Runs a script that must succeed. @returns its lines, each JSON */
export async function pythonJson<T>(t: TestContext, args: readonly string[]): Promise<T[]> {
  const { code, stdout, stderr } = await runPython(t, args)
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}

/** Starts a script and leaves it running. */
export function startPython(t: TestContext, args: readonly string[]): TestProcess {
  return new TestProcess(t, python, args, { cwd: folder })
}

/** Where the Python client lives. */
const clientFolder = fileURLToPath(new URL('../../clients/python', import.meta.url))

/** Runs a module of the Python client, `notarymq` or `notarymq.lab`, or `unittest`. */
export function runPythonClient(t: TestContext, module: string, args: readonly string[]): Promise<Ended> {
  return run(t, python, ['-W', 'error::DeprecationWarning', '-m', module, ...args], { cwd: clientFolder })
}

/** Runs a script that uses the Python client and must succeed. @returns its lines, each JSON */
export async function pythonClientJson<T>(t: TestContext, script: string, args: readonly string[]): Promise<T[]> {
  const { code, stdout, stderr } = await run(t, python, ['-c', script, ...args], { cwd: clientFolder })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}

/** A message as `python3 -m notarymq sub --json` prints it. */
export interface PrintedByPython {
  readonly topic: string
  readonly payloadHex: string
  readonly encrypted: boolean
  readonly verified?: { readonly subject: string; readonly kid: string; readonly seq: number }
  readonly unverified?: string
  readonly undecrypted?: string
}

/** Subscribes in Python; resolves when a first message, published until it comes, has shown that it listens. */
export async function startPythonSub(t: TestContext, port: number, args: readonly string[]) {
  const command = ['-m', 'notarymq', 'sub', '-h', '127.0.0.1', '-p', `${port}`, '--json', ...args]
  const sub = new TestProcess(t, python, command, { cwd: clientFolder })
  const prober = await TestClient.connect(t, port)
  await prober.publish('ready', 'ready', { qos: 1, retain: true })
  await sub.line(/"ready"/)
  return {
    /** The message with this payload, or the first one that matches. */
    message: async (pattern: RegExp) => JSON.parse(await sub.line(pattern)) as PrintedByPython,
  }
}
