import { type AuditVerifyParams, type AuditVerifyResult, verifyFaults, withoutUndefined } from '../../protocol/index.ts'
import { longAnswerTimeoutMs, withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseOptions } from './command.ts'
import { connectionOptions } from './connection.ts'
import { ProgressBar } from './progress-bar.ts'

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

/** `audit verify`: has a running broker verify its chain. @returns 1 when something was altered */
export async function auditVerifyLive(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    ...verifyOptions,
    json: { type: 'boolean' },
  })
  const params = verifyParams(values)
  const bar = new ProgressBar(process.stderr)
  const result = await withAdminClient(values, (admin) =>
    admin.request('audit.verify', params, longAnswerTimeoutMs, (progress) => bar.show(progress)),
  ).finally(() => bar.end())
  return printVerification(result, values.json === true, output)
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
