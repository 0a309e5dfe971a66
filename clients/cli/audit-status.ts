import {
  type AuditStatus,
  type DiskJson,
  parseCheckpointText,
  parseSignedNote,
  type WitnessesJson,
} from '../../protocol/index.ts'
import { withAdminClient } from './admin-client.ts'
import { exitCode, type Output, parseOptions } from './command.ts'
import { connectionOptions } from './connection.ts'

/** `audit status`: size, root and keys of the chain, and who cosigned it. */
export async function auditStatus(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, { ...connectionOptions, json: { type: 'boolean' } })
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
