import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { atEnd } from '../helpers/cleanup.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const capSysAdmin = 21n
const mebibyte = 1024 * 1024

/** A file system of its own that really fills up. */
export interface SmallDisk {
  readonly path: string
  readonly freeBytes: () => number
  /** Takes room, down to `leaveBytes`. */
  readonly fill: (leaveBytes: number) => void
  /** Gives back what `fill` took. */
  readonly makeRoom: () => void
}

/** Whether this process may mount: nothing else in a container tells. */
function mayMount(): boolean {
  const held = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return held !== undefined && ((BigInt(`0x${held}`) >> capSysAdmin) & 1n) === 1n
}

/**
 * Mounts a tmpfs, unmounted when the test ends. Undefined, and the test skipped with a printed reason, where that is not
 * permitted; with CI=true it is a failure where it is permitted and fails all the same.
 */
export function smallDisk(t: TestContext, megabytes: number): SmallDisk | undefined {
  if (process.platform !== 'linux' || !mayMount()) {
    t.skip('needs permission to mount a file system')
    return undefined
  }
  const path = temporaryDirectory(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    if (process.env.CI === 'true') throw error
    t.skip('mount failed')
    return undefined
  }
  atEnd(t, () => execFileSync('umount', [path]))
  const filler = join(path, 'filler')
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  }
  const fill = (leaveBytes: number) => {
    const bytes = freeBytes() - leaveBytes
    if (bytes > 0) writeFileSync(filler, Buffer.alloc(Math.min(bytes, megabytes * mebibyte)), { flag: 'a' })
  }
  return { path, freeBytes, fill, makeRoom: () => rmSync(filler, { force: true }) }
}
