import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { median } from './statistics.ts'

export interface Machine {
  cores: number
  model: string
  memoryGiB: number
  system: string
  node: string
  /** Median of 50 appends of 4 KiB with fdatasync, in the directory that holds NotaryMQ's store. */
  fdatasyncMs: number
  fsyncNote: string
}

/** The file system types of statfs(2) whose fsync costs nothing. */
const inMemoryTypes = new Set([0x01021994, 0x858458f6])

/** What a reader needs beside the numbers. Writes and removes one small file in `directory`. */
export function describeMachine(directory: string): Machine {
  const fdatasyncMs = measureFdatasync(join(directory, 'fdatasync-probe'))
  const inMemory = inMemoryTypes.has(statfsSync(directory).type)
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${arch()}`,
    node: process.version,
    fdatasyncMs,
    fsyncNote: inMemory
      ? 'The store lies on a file system in memory: fsync is free there and the NotaryMQ figures say nothing about a disk.'
      : `NotaryMQ records and syncs before every PUBACK (one fdatasync of 4 KiB here: ${fdatasyncMs.toFixed(2)} ms, median of 50); Mosquitto and plain Aedes record nothing and sync nothing.`,
  }
}

function measureFdatasync(file: string): number {
  const block = Buffer.alloc(4096, 1)
  const descriptor = openSync(file, 'w')
  try {
    const times = Array.from({ length: 50 }, () => {
      const startedAt = performance.now()
      writeSync(descriptor, block)
      fdatasyncSync(descriptor)
      return performance.now() - startedAt
    })
    return median(times)
  } finally {
    closeSync(descriptor)
    rmSync(file)
  }
}
