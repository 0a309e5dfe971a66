import { userInfo } from 'node:os'
import { exitCode, type Output, parseOptions, usageError } from '../../clients/cli/command.ts'
import {
  AnchoredPlaces,
  AnchorFile,
  type ChainVerdict,
  checkpointFile,
  type Examination,
  examineChain,
  finishRecovery,
  openNewLog,
  openStoreDatabase,
} from '../../plugins/index.ts'
import { keyCustody } from '../process/key-custody.ts'
import { dataDirectoryOf } from './data-directory.ts'

const meanings: Readonly<Record<ChainVerdict, string>> = {
  identical: 'identical: the chain is what was kept of it; it starts',
  extended: 'extended: the chain is what was kept of it, and more; it starts',
  'rolled-back': 'rolled back: records that were published are missing; it does not start',
  forked: 'forked: it holds other records than were published; it does not start',
  damaged: 'damaged: it cannot be read as it was written; it does not start',
  'anchor-refused': 'an anchor is missing, or not one of this log; it does not start',
}

/** `audit recover`. @returns 0 when the chain would start, or what was asked was done; 1 when a start would be refused */
export async function auditRecover(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    db: { type: 'string' },
    anchor: { type: 'string', multiple: true },
    checkpoint: { type: 'string', multiple: true },
    'open-new-log': { type: 'boolean' },
    origin: { type: 'string' },
    'passphrase-file': { type: 'string' },
    'forget-anchor': { type: 'boolean' },
    json: { type: 'boolean' },
  })
  if (values.db === undefined) throw usageError('--db is needed')
  const location = dataDirectoryOf(values.db)
  const asJson = values.json === true
  if (values['forget-anchor'] === true) return forgetAnchors(location, values.anchor ?? [], output)
  const others = (values.checkpoint ?? []).map(checkpointFile)
  if (values['open-new-log'] !== true)
    return printExamination(await examineChain(location, values.anchor, others), asJson, output)
  const finished = await finishRecovery(location)
  if (finished !== undefined) {
    output.out(asJson ? JSON.stringify({ oldDirectory: finished }) : `finished: the old log lies in ${finished}`)
    return exitCode.ok
  }
  const { passphrase } = keyCustody(values['passphrase-file'])
  const log = await openNewLog(location, {
    anchorPaths: values.anchor,
    others,
    origin: values.origin,
    custody: { passphrase },
    // A name that nobody proved, as all that is done at the machine itself.
    requester: { auth: 'none', username: userInfo().username },
  })
  const { origin, continues, keys, keysWithNumbers, oldDirectory } = log
  const text = [
    `new log     ${origin}`,
    `continues   ${continues.origin} after ${continues.treeSize} records`,
    `keys        ${keys} taken over; of ${keysWithNumbers} only higher numbers are accepted`,
    `old log     ${oldDirectory}`,
    'Sessions, queued and retained messages stay with the old log. Give auditors keys/log.vkey and clients that know the',
    'broker keys/broker.pub.pem; set notary_origin, where there is one, to the new name.',
  ]
  output.out(asJson ? JSON.stringify(log) : text.join('\n'))
  return exitCode.ok
}

function printExamination(found: Examination, asJson: boolean, output: Output): number {
  const { verdict, origin, records, blocks, standings, problems } = found
  const reasons = problems.map(({ code, message, details }) => ({ code, message, ...details }))
  if (asJson) output.out(JSON.stringify({ verdict, origin, records, blocks, kept: standings, problems: reasons }))
  else {
    output.out(`log      ${origin}`)
    output.out(`store    ${records} records in ${blocks} blocks`)
    for (const { place, standing, keptSize } of standings) {
      output.out(`kept     ${standing === 'none' ? 'nothing' : `${keptSize} records, ${standing}`}: ${place}`)
    }
    for (const { code, message } of reasons) output.out(`refused  ${code}: ${message}`)
    output.out(meanings[verdict])
    if (problems.length > 0) {
      output.out('Put back the newest copy of the data directory if there is one (docs/recovery.md). If there is none,')
      output.out('--open-new-log begins a new log that names the last checkpoint of this one.')
    }
  }
  return problems.length === 0 ? exitCode.ok : exitCode.no
}

async function forgetAnchors(location: string, paths: readonly string[], output: Output): Promise<number> {
  if (paths.length === 0) throw usageError('--forget-anchor needs --anchor')
  const database = await openStoreDatabase(location, false)
  try {
    const places = await AnchoredPlaces.open(database)
    let code: number = exitCode.ok
    for (const { place } of paths.map((path) => new AnchorFile(path))) {
      const isForgotten = await places.forget(place)
      output.out(isForgotten ? `${place}: forgotten` : `${place}: no anchor was written there`)
      if (!isForgotten) code = exitCode.no
    }
    return code
  } finally {
    await database.close()
  }
}
