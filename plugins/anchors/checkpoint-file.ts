import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { maxNoteBytes } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import type { CheckpointSource } from './kept-checkpoints.ts'

/** A checkpoint that somebody kept as a file: what a witness answers, what an auditor wrote down. */
export function checkpointFile(path: string): CheckpointSource {
  const place = resolve(path)
  return {
    place,
    /** @throws {PluginError} ERR_ANCHOR_UNREADABLE */
    read: async () => {
      try {
        if (statSync(place).size > maxNoteBytes) throw new RangeError('too large for a checkpoint')
        return { note: readFileSync(place, 'utf8') }
      } catch (cause) {
        throw new PluginError('ERR_ANCHOR_UNREADABLE', `the checkpoint ${place} cannot be read`, {}, cause)
      }
    },
  }
}
