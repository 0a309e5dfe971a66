import { NoteError, nobleCrypto, parseWitnessPolicy, type WitnessPolicy } from '../../protocol/index.ts'
import { loadPublicKey } from '../identity/index.ts'
import {
  type CheckedEvidence,
  checkEvidence,
  type EvidenceTrust,
  readEvidence,
  readLoggedRecord,
} from '../receipts/index.ts'
import { exitCode, type Output, parseArguments, usageError } from './command.ts'
import { readGivenFile } from './given-file.ts'
import { printable } from './printable.ts'
import { readLogKey } from './verifier-keys.ts'

interface Checked {
  readonly file: string
  readonly found: CheckedEvidence | undefined
}

/**
 * `audit verify-receipt FILE...`: without any broker.
 * @returns 0 when each proves that its record is in the log, 1 when one does not
 */
export async function auditVerifyReceipt(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    vkey: { type: 'string' },
    policy: { type: 'string' },
    'broker-key': { type: 'string' },
    'publisher-key': { type: 'string' },
    payload: { type: 'string' },
    record: { type: 'string' },
    json: { type: 'boolean' },
  })
  if (positionals.length === 0) throw usageError('a file is needed')
  const logKey = values.vkey === undefined ? undefined : readLogKey(values.vkey)
  const brokerKey = values['broker-key'] === undefined ? undefined : loadPublicKey(values['broker-key'])
  const policy = values.policy === undefined ? undefined : readPolicy(values.policy)
  if (logKey !== undefined && policy !== undefined) {
    throw usageError('a policy names the logs to trust: --vkey or --policy, not both')
  }
  if (logKey === undefined && brokerKey === undefined && policy === undefined) {
    throw usageError('whom to trust has to be said: --vkey, --broker-key or both, or --policy')
  }
  const publisher = readPublisher(values['publisher-key'], values.payload)
  const logged = values.record === undefined ? undefined : readLoggedRecord(values.record)
  const checked: Checked[] = []
  for (const file of positionals) {
    const evidence = readEvidence(file, logged)
    // Only a checkpoint has cosignatures: no other proof may stand in for it.
    if (policy !== undefined && evidence.tlogProof === undefined) {
      throw usageError(`${file} has no cosignatures; a policy is for .tlog-proof and .json`)
    }
    if (publisher !== undefined && evidence.statement === undefined) {
      throw usageError(`${file} is no transparent statement, which is what --publisher-key is for`)
    }
    const isFor =
      policy !== undefined ||
      (evidence.receipt !== undefined && brokerKey !== undefined) ||
      (evidence.tlogProof !== undefined && logKey !== undefined)
    if (!isFor) throw usageError(`${file} needs ${evidence.receipt === undefined ? '--vkey' : '--broker-key'}`)
    checked.push({ file, found: await checkEvidence(evidence, { brokerKey, logKey, policy, publisher }, nobleCrypto) })
  }
  const isOk = checked.every(({ found }) => found !== undefined)
  if (values.json) output.out(JSON.stringify({ ok: isOk, files: checked.map(toJson) }))
  else for (const one of checked) output.out(toText(one))
  return isOk ? exitCode.ok : exitCode.no
}

function toJson({ file, found }: Checked) {
  if (found === undefined) return { file, ok: false }
  const { record, proved } = found
  const shown = proved.map(({ index, treeSize, ...rest }) => {
    return { ...rest, index: Number(index), treeSize: Number(treeSize) }
  })
  return { file, ok: true, kind: record.kind, topic: record.topic, proved: shown }
}

function toText({ file, found }: Checked): string {
  if (found === undefined) return `BAD: ${file} does not prove its record`
  const { record, proved } = found
  const what = printable([record.kind, record.topic].filter((word) => word !== undefined).join(' '))
  const lines = proved.map(({ by, origin, index, treeSize, cosignedBy = [], isStatement }) => {
    const witnesses = cosignedBy.length === 0 ? '' : `, cosigned by ${cosignedBy.join(', ')}`
    const signed = isStatement === true ? '; signed by the publisher, with this payload' : ''
    const key = by === 'log-key' ? 'log key' : 'broker key'
    return `  leaf ${index} of ${treeSize} in ${printable(origin)}, by its ${key}${witnesses}${signed}`
  })
  return [`ok: ${file}: ${what}, recorded ${new Date(record.timeMs).toISOString()}`, ...lines].join('\n')
}

/** Both or neither: a signature is over the payload, which the log does not give away. */
function readPublisher(keyPath: string | undefined, payloadPath: string | undefined): EvidenceTrust['publisher'] {
  if (keyPath === undefined && payloadPath === undefined) return undefined
  if (keyPath === undefined || payloadPath === undefined) {
    throw usageError('--publisher-key and --payload are given together')
  }
  return { key: loadPublicKey(keyPath), payload: readGivenFile(payloadPath) }
}

/** C2SP tlog-policy. */
function readPolicy(path: string): WitnessPolicy {
  try {
    return parseWitnessPolicy(readGivenFile(path).toString('utf8'), nobleCrypto)
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw usageError(`${path} is no witness policy: ${error.message}`, error)
  }
}
