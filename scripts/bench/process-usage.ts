import { readFileSync } from 'node:fs'

/** Linux reports CPU time to user space in hundredths of a second, whatever the kernel's own tick is. */
const ticksPerSecond = 100

/** User and system time of one process with all its threads; undefined where /proc does not tell. */
export function processCpuSeconds(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command name may hold spaces and parentheses; the fields are counted from behind it: utime is 14, stime 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    return Number.isFinite(ticks) ? ticks / ticksPerSecond : undefined
  } catch {
    return undefined
  }
}

/** CPU time of the whole machine since boot, in ticks: all of it, and what the hypervisor gave to other machines. */
export interface MachineCpu {
  total: number
  stolen: number
}

export function machineCpu(): MachineCpu | undefined {
  try {
    const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? ''
    // user, nice, system, idle, iowait, irq, softirq, steal; the guest fields after them are counted in user already.
    const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number)
    return { total: ticks.reduce((sum, value) => sum + value, 0), stolen: ticks[7] ?? 0 }
  } catch {
    return undefined
  }
}

/** Share of the time between two readings that other virtual machines had, 0 to 1; undefined when nobody can tell. */
export function stolenShare(before: MachineCpu | undefined, after: MachineCpu | undefined): number | undefined {
  if (before === undefined || after === undefined || after.total <= before.total) return undefined
  return (after.stolen - before.stolen) / (after.total - before.total)
}

/** Resident memory of one process; undefined where /proc does not tell. */
export function processResidentBytes(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}

/** Files and sockets this process may have open, and so a child of it; undefined where /proc does not tell. */
export function openFilesLimit(): number | undefined {
  try {
    // Node.js has raised its own soft limit to the hard one when it started; children inherit that.
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
