import {
  type AuditEraseResult,
  type Erasable,
  maxErasureReasonBytes,
  type Requester,
  withoutUndefined,
} from '../../protocol/index.ts'
import type { ErasureRequest, Retention } from '../retention/index.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'

const maxRanges = 1000
const erasables: readonly Erasable[] = ['bodies', 'records']

/**
 * Reads the parameters of `audit.erase`. Something has to narrow it down: nobody erases everything by leaving words out.
 * @throws {AdminError} invalid-params
 */
export function readErasure(params: ParamReader): { request: ErasureRequest; isDryRun: boolean } {
  const what = params.optionalWord('what', erasables)
  const reason = params.optionalText('reason')
  const isDryRun = params.optionalBoolean('dryRun') ?? false
  const selection = withoutUndefined({
    topic: params.optionalFilter('topic'),
    clientId: params.optionalText('clientId'),
    fromIndex: params.optionalIndex('fromIndex'),
    toIndex: params.optionalIndex('toIndex'),
  })
  params.end()
  if (what === undefined) throw new AdminError('invalid-params', `what is needed: ${erasables.join(' or ')}`)
  if (reason === undefined || reason === '' || Buffer.byteLength(reason) > maxErasureReasonBytes) {
    throw new AdminError('invalid-params', `reason is not text of 1 to ${maxErasureReasonBytes} bytes`)
  }
  if (Object.keys(selection).length === 0) {
    throw new AdminError('invalid-params', 'say of which topic, client or indexes')
  }
  const range = { fromIndex: 0, toIndex: Number.MAX_SAFE_INTEGER - 1 }
  return { request: { ...range, ...selection, what, reason }, isDryRun }
}

/** Resolves when it is gone from the disk. */
export async function runErasure(
  retention: Retention,
  { request, isDryRun }: ReturnType<typeof readErasure>,
  requester: Requester,
): Promise<AuditEraseResult> {
  const { ranges, ...outcome } = await retention.erase(request, requester, isDryRun)
  return { ...outcome, ranges: ranges.slice(0, maxRanges), rangeCount: ranges.length }
}
