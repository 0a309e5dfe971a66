import { writeFileSync } from 'node:fs'
import { type AuditReceiptResult, attachReceipts, decodeRecord, fromBase64url } from '../../protocol/index.ts'
import { withAdminClient } from './admin-client.ts'
import { exitCode, integerOption, type Output, parseArguments, parseOptions, usageError } from './command.ts'
import { connectionOptions } from './connection.ts'

const json = { json: { type: 'boolean' } } as const

/** `audit checkpoint`: prints the newest checkpoint, a signed note. */
export async function auditCheckpoint(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, { ...connectionOptions, ...json })
  const answer = await withAdminClient(values, (admin) => admin.request('audit.checkpoint', {}))
  output.out(values.json ? JSON.stringify(answer) : answer.checkpoint.trimEnd())
  return exitCode.ok
}

/** `audit receipt N`: what proves that the record is in the log. */
export async function auditReceipt(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...connectionOptions,
    ...json,
    output: { type: 'string', short: 'o' },
  })
  const index = integerOption('N', positionals[0], 0, Number.MAX_SAFE_INTEGER)
  if (index === undefined || positionals.length > 1) throw usageError('the index of one record is needed')
  const answer = await withAdminClient(values, (admin) => admin.request('audit.receipt', { index }))
  const files = values.output === undefined ? [] : writeReceipt(values.output, answer)
  if (values.json) output.out(JSON.stringify(answer))
  else {
    output.out(
      `record ${index} is leaf ${index} of the tree of ${answer.treeSize} records with root ${answer.rootHash}`,
    )
    for (const file of files) output.out(`written ${file}`)
    if (files.length === 0)
      output.out("give -o NAME to keep the proof, and verify it with 'notarymq audit verify-receipt'")
  }
  return exitCode.ok
}

/**
 * @returns the names of what was written: the receipt, the same as .tlog-proof, all of it with the record, and of a signed
 *   publish the transparent statement (RFC 9943): the publisher's envelope, without its payload, with the receipt attached
 */
function writeReceipt(name: string, answer: AuditReceiptResult): readonly string[] {
  const receipt = fromBase64url(answer.receipt)
  const { envelope } = decodeRecord(fromBase64url(answer.record))
  const files = {
    [`${name}.receipt`]: receipt,
    [`${name}.tlog-proof`]: answer.tlogProof,
    [`${name}.json`]: `${JSON.stringify(answer, undefined, 2)}\n`,
    ...(envelope === undefined ? undefined : { [`${name}.statement`]: attachReceipts(envelope, [receipt]) }),
  }
  for (const [file, content] of Object.entries(files)) {
    try {
      writeFileSync(file, content)
    } catch (cause) {
      throw usageError(`cannot write ${file}`, cause)
    }
  }
  return Object.keys(files)
}
