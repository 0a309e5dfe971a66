import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { atEnd } from './cleanup.ts'
import { hasTool } from './tools.ts'

/** Everything that goes over some ports of the loopback interface, as tcpdump sees it. */
export class PacketCapture {
  readonly #chunks: Buffer[]
  readonly #waiting: Set<() => void>

  private constructor(chunks: Buffer[], waiting: Set<() => void>) {
    this.#chunks = chunks
    this.#waiting = waiting
  }

  /** @returns undefined, with the test skipped, where nobody may capture; without tcpdump CI fails */
  static async start(t: TestContext, ports: readonly number[]): Promise<PacketCapture | undefined> {
    if (!hasTool(t, 'tcpdump', ['--version'], 'tcpdump')) return undefined
    const filter = ports.map((port) => `tcp port ${port}`).join(' or ')
    const child = spawn('tcpdump', ['-i', 'lo', '-n', '-U', '--immediate-mode', '-s', '0', '-w', '-', filter])
    const ended = once(child, 'close')
    atEnd(t, async () => {
      child.kill('SIGKILL')
      await ended
    })
    const chunks: Buffer[] = []
    const waiting = new Set<() => void>()
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      for (const look of waiting) look()
    })
    let said = ''
    const isCapturing = await new Promise<boolean>((resolve) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('listening on lo')) resolve(true)
      })
      child.once('close', () => resolve(false))
    })
    if (isCapturing) return new PacketCapture(chunks, waiting)
    t.skip(`capturing is impossible here: ${said.trim()}`)
    return undefined
  }

  /** Waits until these bytes went by. @returns all that was captured so far */
  until(bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve) => {
      const look = () => {
        const all = Buffer.concat(this.#chunks)
        if (!all.includes(Buffer.from(bytes))) return
        this.#waiting.delete(look)
        resolve(all)
      }
      this.#waiting.add(look)
      look()
    })
  }
}
