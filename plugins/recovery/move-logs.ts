import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { nextLogMarkOf, nextLogOf, renameDurably, replaceFileDurably } from '../audit-chain/index.ts'
import { takeOverLeftBehind } from './left-behind-anchors.ts'

const parts = ['store', 'keys', 'head'] as const

/** Makes the place for a new log; what an attempt that did not complete one left there goes. */
export function makeNextLog(location: string): string {
  const path = nextLogOf(location)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { mode: 0o700 })
  return path
}

/** Says that the new log is complete, and where the old one goes: from here on only {@link finishMove} can follow. */
export async function markNextLogReady(location: string): Promise<void> {
  const numbers = readdirSync(location).map((name) => Number(/^before-recovery\.([0-9]+)$/.exec(name)?.[1] ?? 0))
  const oldName = `before-recovery.${Math.max(0, ...numbers) + 1}`
  await replaceFileDurably(nextLogMarkOf(location), oldName, 0o600)
}

/**
 * Moves the old log aside, whole, and the new one into its place, and then gives it the anchors that it would not start
 * with. Every step may have been done before a crash.
 * @returns directory of the old log, a data directory as it was
 * @throws {PluginError} ERR_ANCHOR_WRITE_FAILED: it goes on there when it is called again
 */
export async function finishMove(location: string): Promise<string> {
  const next = nextLogOf(location)
  const old = join(location, basename(readFileSync(nextLogMarkOf(location), 'utf8')))
  mkdirSync(old, { recursive: true, mode: 0o700 })
  for (const part of parts) {
    const [current, aside, coming] = [join(location, part), join(old, part), join(next, part)]
    // What is not in `next-log` any more has taken its place.
    if (!existsSync(coming)) continue
    if (existsSync(current)) await renameDurably(current, aside)
    await renameDurably(coming, current)
  }
  await takeOverLeftBehind(next, old)
  // In one step, so that no crash leaves a mark behind.
  await renameDurably(next, join(old, 'next-log'))
  return old
}
