import {
  type AuditQueryParams,
  type AuditStatus,
  type AuditVerifyResult,
  chainFaults,
  type Includable,
  type RecordJson,
  withoutUndefined,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseArguments, parseOptions } from './command.ts'
import { connectionHelp, connectionOptions } from './connection.ts'
import { kidOf, onlyKey } from './key-options.ts'

const json = { json: { type: 'boolean' } } as const
const verifyTimeoutMs = 3_600_000

export const auditHelp = `Usage: notarymq audit status [options]
       notarymq audit query [--topic FILTER] [--client ID] [--kid KID] [--from N] [--to N] [--limit N] [options]
       notarymq audit gaps KID|NAME [--from N] [--to N] [--limit N] [options]
       notarymq audit verify [--from N] [--to N] [options]
       notarymq audit verify --db DIR [--broker-key PEM] [--json]
       notarymq audit verify --export DIR [--vkey KEY|FILE]... [--json]
       notarymq audit export DIR --db DIR [--json]
       notarymq audit watch URL --vkey KEY|FILE... [--state DIR] [--interval S] [--once] [-v] [--json]

status    size, root and keys of the chain; publishes accepted and refused since the start
query     records that match, oldest first
gaps      sequence numbers of a key that are not in the chain; exit code 1 when there are any
verify    re-hash everything and verify every signature; exit code 1 and the first bad record when something was altered
export    bring a directory up to the newest checkpoint of a stopped broker: tiles, records, public keys; a running one
          does that by notary_export (docs/export.md)
watch     look at a log over HTTP again and again, from another machine; exit code 1 and the evidence when it does not
          only grow

      --topic FILTER            topic filter, as for subscribing
      --client ID               client id
      --kid KID                 key, as 'notarymq keys' prints it
      --from N, --to N          range of indexes (gaps: of sequence numbers)
      --limit N                 at most this many records or gaps (default 100)
      --payload                 add the payload of each record (base64url; --json only)
      --db DIR                  a stopped broker's data directory, or its store/
      --broker-key PEM          the broker key to trust (default: DIR/keys/broker.pub.pem)
      --export DIR              an export, which needs no broker
      --vkey KEY|FILE           verifier key of the log to trust (default: DIR/keys/log.vkey)
      --state DIR               what a watcher saw, and evidence (default ./notarymq-watch)
      --interval S              seconds between two looks (default 10)
      --max-silence S           alarm when no checkpoint came for so long (default 300)
      --max-age S               alarm when the log did not grow for so long (default: never)
${connectionHelp}
      --json                    machine-readable output`

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
    `since       ${status.since}`,
    `accepted    ${status.accepted}`,
    `refused     ${refused.length === 0 ? 0 : refused.join(', ')}`,
  ].join('\n')
}

/** The server's largest page. */
const pageSize = 1000

export async function auditQuery(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    ...json,
    topic: { type: 'string' },
    client: { type: 'string' },
    kid: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    limit: { type: 'string' },
    payload: { type: 'boolean' },
  })
  let left = integerOption('--limit', values.limit, 1, Number.MAX_SAFE_INTEGER) ?? 100
  const include: Includable[] = values.payload ? ['payload'] : []
  const query: AuditQueryParams = withoutUndefined({
    topic: values.topic,
    clientId: values.client,
    kid: values.kid,
    fromIndex: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toIndex: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
    include,
  })
  const records: RecordJson[] = []
  await withAdminClient(values, async (admin) => {
    let cursor: string | null | undefined
    // A page may be empty and still have a cursor: the broker looks at so many records at a time.
    while (left > 0 && cursor !== null) {
      const limit = Math.min(left, pageSize)
      const page = await admin.request('audit.query', {
        ...query,
        limit,
        ...(cursor === undefined ? undefined : { cursor }),
      })
      for (const record of page.records) {
        if (values.json) records.push(record)
        else output.out(recordText(record))
      }
      left -= page.records.length
      cursor = page.cursor
    }
  })
  if (values.json) output.out(JSON.stringify({ records }))
  return exitCode.ok
}

function recordText(record: RecordJson): string {
  const signer =
    record.subject === undefined ? '' : `  by ${record.subject}${record.seq === undefined ? '' : ` #${record.seq}`}`
  const what =
    record.kind === 'publish'
      ? `${record.outcome}  ${record.topic}  ${record.size} bytes  from ${record.clientId}`
      : [record.kind, record.action, record.occasion].filter((word) => word !== undefined).join(' ')
  return `${record.index}  ${record.time}  ${what}${signer}`
}

export async function auditVerifyLive(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...connectionOptions,
    ...json,
    from: { type: 'string' },
    to: { type: 'string' },
  })
  const params = withoutUndefined({
    fromIndex: integerOption('--from', values.from, 0, Number.MAX_SAFE_INTEGER),
    toIndex: integerOption('--to', values.to, 0, Number.MAX_SAFE_INTEGER),
  })
  const result = await withAdminClient(values, (admin) => admin.request('audit.verify', params, verifyTimeoutMs))
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
    output.out(`ok: ${result.checked} records verified, ${result.signatures} publisher signatures`)
  } else {
    const { block, index, cause } = result.firstBad
    output.out(`BAD: block ${block}, index ${index}: ${cause} (${chainFaults[cause]})`)
    output.out(`${result.checked} records before that block are unaltered`)
  }
  return result.ok ? exitCode.ok : exitCode.no
}

/** @throws {ClientError} ERR_USAGE */
export function unknownAuditCommand(name: string | undefined): never {
  throw new ClientError('ERR_USAGE', name === undefined ? 'a subcommand is needed' : `no subcommand ${name}`)
}
