import type { CborValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import type { Requester } from './key-event.ts'
import type { ChainRecord } from './record.ts'

/** When a configuration came into force: with the process, or while it ran. */
const occasions = ['start', 'reload'] as const
export type ConfigOccasion = (typeof occasions)[number]

/** Which policy, access rules and keys govern the records after this one. */
export interface ConfigEvent {
  /** SHA-256 of the effective configuration, 32 bytes. Two that differ govern differently; the text is not kept. */
  readonly digest: Uint8Array
  readonly occasion: ConfigOccasion
}

const detail = { digest: 1, occasion: 2 } as const
const sha256Bytes = 32

export function configRecord({ digest, occasion }: ConfigEvent, requester: Requester, timeMs: number): ChainRecord {
  const fields = new Map<number, CborValue>([
    [detail.digest, digest],
    [detail.occasion, occasion],
  ])
  return { kind: 'config', timeMs, ...requester, detail: fields }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED */
export function parseConfig(record: ChainRecord): ConfigEvent {
  const fields = record.detail
  const digest = fields?.get(detail.digest)
  const occasion = occasions.find((one) => one === fields?.get(detail.occasion))
  const isOne = record.kind === 'config' && fields?.size === 2 && occasion !== undefined
  if (!isOne || !(digest instanceof Uint8Array) || digest.length !== sha256Bytes) {
    throw new ProtocolError('ERR_RECORD_MALFORMED', 'not the record of a configuration')
  }
  return { digest, occasion }
}
