import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { nobleCrypto, toBase64url } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** Whose lock it is. A process id alone would be that of another process one day. */
interface Holder {
  readonly host: string
  readonly pid: number
  /** When that process began: `/proc` says it; `-` where there is none. */
  readonly started: string
  /** Tells this lock from every other one. */
  readonly nonce: string
}

const attempts = 500
const pauseMs = 10

/**
 * Runs `use` while no other process does; it must not wait for anything itself. What a dead process left is taken over.
 * @param path of the lock file
 * @throws {ClientError} ERR_SEQUENCE_FILE when another process holds it for seconds
 */
export async function withFileLock<T>(path: string, use: () => T): Promise<T> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const unlock = tryLock(path)
    if (unlock !== undefined) return usedAndUnlocked(use, unlock)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  throw held(path)
}

/** As {@link withFileLock}, for callers that cannot wait for a promise: it blocks the process meanwhile. */
export function withFileLockSync<T>(path: string, use: () => T): T {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const unlock = tryLock(path)
    if (unlock !== undefined) return usedAndUnlocked(use, unlock)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
  }
  throw held(path)
}

function usedAndUnlocked<T>(use: () => T, unlock: () => void): T {
  try {
    return use()
  } finally {
    unlock()
  }
}

/**
 * Tries once. A lock of a dead process is removed by whoever holds the lock on its removal, which is named after it: so
 * nobody removes a lock that somebody else has just made in its place.
 */
function tryLock(path: string): (() => void) | undefined {
  if (create(path)) return () => unlinkSync(path)
  const holder = holderOf(path)
  if (holder === undefined || isAlive(holder)) return undefined
  const unlockRemoval = tryLock(`${path}.${holder.nonce}`)
  if (unlockRemoval === undefined) return undefined
  try {
    if (holderOf(path)?.nonce === holder.nonce) unlinkSync(path)
  } finally {
    unlockRemoval()
  }
  return create(path) ? () => unlinkSync(path) : undefined
}

/** Makes the lock with its content in one step. @returns false when there is one */
function create(path: string): boolean {
  // Looked at first: who waits does not write to the disk each time.
  if (existsSync(path)) return false
  const nonce = toBase64url(nobleCrypto.randomBytes(12))
  const temporary = `${path}.${nonce}.new`
  try {
    const file = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(file, `${hostname()} ${process.pid} ${startOf(process.pid) ?? '-'} ${nonce}\n`)
      // After a power cut a lock without content would be nobody's.
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    try {
      linkSync(temporary, path)
      return true
    } finally {
      unlinkSync(temporary)
    }
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) return false
    throw new ClientError('ERR_SEQUENCE_FILE', `cannot lock ${path}`, {}, cause)
  }
}

/** @returns undefined when there is no lock any more, or another program made it, whose life nobody can look at */
function holderOf(path: string): Holder | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw new ClientError('ERR_SEQUENCE_FILE', `cannot read ${path}`, {}, cause)
  }
  const [, host, pid, started, nonce] = /^(\S+) ([1-9][0-9]*) (\S+) ([\w-]+)\n$/.exec(text) ?? []
  if (host === undefined || pid === undefined || started === undefined || nonce === undefined) return undefined
  return { host, pid: Number(pid), started, nonce }
}

/** Processes of other machines, which share the directory, cannot be looked at: they count as alive. */
function isAlive({ host, pid, started }: Holder): boolean {
  if (host !== hostname()) return true
  const start = startOf(pid)
  if (start !== undefined) return started === '-' || start === started
  try {
    // Signal 0 only asks.
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // It is another user's.
    return isCode(cause, 'EPERM')
  }
}

/** When a process began, and since which boot that is counted. @returns undefined when it is not there, or no `/proc` is */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // The name, in parentheses, may hold spaces; field 22 is the 20th after it (proc_pid_stat(5)).
    const ticks = /.*\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]?.split(' ')[19]
    return ticks === undefined ? undefined : `${boot}/${ticks}`
  } catch (cause) {
    if (isCode(cause, 'ENOENT') || isCode(cause, 'ESRCH')) return undefined
    throw new ClientError('ERR_SEQUENCE_FILE', `cannot tell whether process ${pid} is alive`, {}, cause)
  }
}

function isCode(cause: unknown, code: string): boolean {
  return (cause as NodeJS.ErrnoException).code === code
}

function held(path: string): ClientError {
  return new ClientError('ERR_SEQUENCE_FILE', `${path} is held by another process; remove it if that one crashed`)
}
