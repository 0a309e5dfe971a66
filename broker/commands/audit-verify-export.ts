import { exitCode, type Output, parseOptions } from '../../clients/cli/command.ts'
import { ProgressBar } from '../../clients/cli/progress-bar.ts'
import { readVkeys } from '../../clients/cli/verifier-keys.ts'
import { type ExportFinding, type ExportVerification, exportFaults, verifyExport } from '../../plugins/index.ts'
import { chainFaults } from '../../protocol/index.ts'

/**
 * `audit verify --export DIR`: verifies an export with nothing but the verifier key of its log.
 * @returns 0 when everything is as it was signed, 1 when not, with the first bad place
 */
export async function auditVerifyExport(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    export: { type: 'string' },
    vkey: { type: 'string', multiple: true },
    json: { type: 'boolean' },
  })
  const vkeys = values.vkey === undefined ? undefined : readVkeys(values.vkey)
  if (vkeys === undefined) output.error('warning: no --vkey; trusting the log key that lies in the export itself')
  const bar = new ProgressBar(process.stderr)
  const result = await verifyExport({
    directory: values.export as string,
    ...(vkeys === undefined ? undefined : { vkeys }),
    onProgress: (records, total) => bar.show({ records, total }),
  }).finally(() => bar.end())
  if (values.json === true) output.out(JSON.stringify(result))
  else for (const line of linesOf(result)) output.out(line)
  return result.ok ? exitCode.ok : exitCode.no
}

function linesOf({ checked, signatures, firstBad, origin }: ExportVerification): readonly string[] {
  if (firstBad === undefined)
    return [`ok: ${checked} records of ${origin} verified, ${signatures} publisher signatures`]
  return [`BAD: ${placeOf(firstBad)}`, `${checked} records before that are unaltered as far as their blocks say`]
}

function placeOf({ cause, file, block, index }: ExportFinding): string {
  const place = [block === undefined ? [] : [`block ${block}`], index === undefined ? [] : [`index ${index}`]].flat()
  return `${[file, ...place].join(', ')}: ${cause} (${{ ...chainFaults, ...exportFaults }[cause]})`
}
