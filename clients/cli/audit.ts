import {
  type AuditStatus,
  type AuditVerifyParams,
  type AuditVerifyResult,
  type DiskJson,
  parseCheckpointText,
  parseSignedNote,
  verifyFaults,
  type WitnessesJson,
  withoutUndefined,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseArguments, parseOptions } from './command.ts'
import { connectionOptions } from './connection.ts'
import { kidOf, onlyKey } from './key-options.ts'
import { ProgressBar } from './progress-bar.ts'
import { pageSize } from './query-pages.ts'

const json = { json: { type: 'boolean' } } as const
const verifyTimeoutMs = 3_600_000

export async function auditStatus(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, { ...connectionOptions, ...json })
  const status = await withAdminClient(values, (admin) => admin.request('audit.status', {}))
  output.out(values.json ? JSON.stringify(status) : statusText(status))
  return exitCode.ok
}

function statusText(status: AuditStatus): string {
  const refused = Object.entries(status.refused).map(([cause, count]) => `${count} ${cause}`)
  return [
    `origin      ${status.origin}`,
    `records     ${status.treeSize} in ${status.blocks} blocks`,
    `root        ${status.rootHash}`,
    `chain head  ${status.chainHead}`,
    `broker key  ${status.brokerKid}`,
    `log vkey    ${status.logVkey}`,
    `checkpoint  ${status.checkpoint === null ? 'none yet' : checkpointLine(status.checkpoint)}`,
    `since       ${status.since}`,
    `accepted    ${status.accepted}`,
    `refused     ${refused.length === 0 ? 0 : refused.join(', ')}`,
    ...(status.disk === null ? [] : diskText(status.disk)),
    ...(status.witnesses === null ? [] : witnessesText(status.witnesses)),
  ].join('\n')
}

function diskText({ storeBytes, freeBytes, bytesPerRecord, bytesPerDay, daysLeft, oldestBody }: DiskJson): string[] {
  const growth = bytesPerDay === null ? 'growth unknown yet' : `${bytesPerDay} bytes a day`
  return [
    `store       ${storeBytes} bytes, ${bytesPerRecord} a record, ${growth}`,
    `disk        ${freeBytes} bytes free${daysLeft === null ? '' : `, ${daysLeft} days until publishes are refused`}`,
    ...(oldestBody === null ? [] : [`payloads    from record ${oldestBody.index} of ${oldestBody.time} on`]),
  ]
}

function witnessesText({ quorum, met, covered, witnesses }: WitnessesJson): string[] {
  const state = met ? 'cosigned' : 'not cosigned yet'
  return [
    `witnesses   ${quorum} of ${witnesses.length} needed: newest checkpoint ${state}, ${covered} records covered`,
    ...witnesses.map(({ name, treeSize, time, trouble }) => {
      const last =
        treeSize === null ? 'nothing cosigned' : `cosigned ${treeSize} records${time === null ? '' : ` at ${time}`}`
      return `  ${name}  ${last}${trouble === null ? '' : `, ${trouble}`}`
    }),
  ]
}

function checkpointLine(note: string): string {
  const { text, signatures } = parseSignedNote(note)
  return `${parseCheckpointText(text).treeSize} records, ${signatures.length - 1} cosignatures`
}

/** What `audit verify` takes, whatever it verifies. */
export const verifyOptions = {
  from: { type: 'string' },
  to: { type: 'string' },
  'hashes-only': { type: 'boolean' },
} as const

/** @throws {ClientError} ERR_USAGE */
export function verifyParams(values: {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly 'hashes-only'?: boolean | undefined
}): AuditVerifyParams {
  return withoutUndefined({
    fromIndex: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toIndex: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
    hashesOnly: values['hashes-only'],
  })
}

export async function auditVerifyLive(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    ...json,
    ...verifyOptions,
  })
  const params = verifyParams(values)
  const bar = new ProgressBar(process.stderr)
  const result = await withAdminClient(values, (admin) =>
    admin.request('audit.verify', params, verifyTimeoutMs, (progress) => bar.show(progress)),
  ).finally(() => bar.end())
  return printVerification(result, values.json === true, output)
}

export async function auditGaps(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...connectionOptions,
    ...json,
    from: { type: 'string' },
    to: { type: 'string' },
    limit: { type: 'string' },
  })
  const wanted = onlyKey(positionals)
  const range = withoutUndefined({
    fromSeq: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toSeq: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
    limit: integerOption('--limit', values.limit, 1, pageSize),
  })
  const result = await withAdminClient(values, async (admin) => {
    return admin.request('audit.gaps', { kid: await kidOf(admin, wanted), ...range }, verifyTimeoutMs)
  })
  if (values.json) output.out(JSON.stringify(result))
  else {
    for (const [from, to] of result.missing) output.out(from === to ? `${from}` : `${from}-${to}`)
    if (result.cursor !== null) output.out(`more: --from ${result.cursor}`)
    output.out(result.highest === null ? 'nothing accepted yet' : `highest ${result.highest}`)
  }
  return result.missing.length === 0 ? exitCode.ok : exitCode.no
}

/** Prints the outcome of a verification; the exit code is the answer. */
export function printVerification(result: AuditVerifyResult, asJson: boolean, output: Output): number {
  if (asJson) output.out(JSON.stringify(result))
  else if (result.firstBad === undefined) {
    const { bodies, records } = result.erased
    const erased = bodies + records === 0 ? '' : `; erased and announced: ${bodies} payloads, ${records} records`
    output.out(`ok: ${result.checked} records verified, ${result.signatures} publisher signatures${erased}`)
  } else {
    const { block, index, cause, place } = result.firstBad
    const where = place === undefined ? '' : `, ${place}`
    output.out(`BAD: block ${block}, index ${index}${where}: ${cause} (${verifyFaults[cause]})`)
    output.out(`${result.checked} records before that block are unaltered`)
    for (const line of extentText(result)) output.out(line)
  }
  return result.ok ? exitCode.ok : exitCode.no
}

function extentText({ bad = 0, extent, recordsAfter = 0, containsHead }: AuditVerifyResult): string[] {
  if (extent === undefined) return []
  const { fromIndex, toIndex, fromBlock, toBlock } = extent
  const lines = [
    `${bad} records cannot be vouched for, from index ${fromIndex} (block ${fromBlock}) to ${toIndex} (block ${toBlock})`,
    `${recordsAfter} records behind them verify`,
  ]
  if (containsHead !== undefined) lines.push(`the kept header is ${containsHead ? '' : 'not '}in the chain`)
  return lines
}

/** @throws {ClientError} ERR_USAGE */
export function unknownAuditCommand(name: string | undefined): never {
  throw new ClientError('ERR_USAGE', name === undefined ? 'a subcommand is needed' : `no subcommand ${name}`)
}
