import type { ChainFault } from '../../protocol/index.ts'

/** What verification can find wrong with an export, beside what it can find wrong with the chain in it. */
export const exportFaults = {
  'checkpoint-missing': 'there is no checkpoint: the export was never finished, or the file was removed',
  'checkpoint-untrusted': 'the log key did not sign the checkpoint, or it is none',
  'manifest-altered': 'log.json is missing, or not the one of this log',
  'file-missing': 'a file that belongs to the tree of the checkpoint is not there',
  'file-malformed': 'a file does not have the form or the number of items that belongs there',
  'tile-mismatch': 'a tile does not hold the hashes that its leaves lead to',
  'checkpoint-mismatch': 'the leaves do not lead to the root that the checkpoint states',
  'log-key-mismatch': 'the chain names another log, or other log keys, than the one that signed the checkpoint',
  'key-file-mismatch': 'a public key in keys/ is missing, or not the one that the chain names',
} as const

export type ExportFault = keyof typeof exportFaults

/** The first thing found wrong. */
export interface ExportFinding {
  readonly cause: ExportFault | ChainFault
  /** Below the directory of the export. */
  readonly file: string
  /** Index of the record; of the first one that the file is about when no single one is meant. */
  readonly index?: number
  /** Height of the block, for faults of the chain. */
  readonly block?: number
}

/** Thrown inside to leave at the first fault. Not an Error: it is an answer. */
export class ExportFaultFound {
  readonly finding: ExportFinding
  constructor(finding: ExportFinding) {
    this.finding = finding
  }
}
