import { type AdminMethods, NoteError } from '../../protocol/index.ts'
import type { Witnesses } from '../witnesses/index.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'

/** As many signatures as a note may have take less. */
const maxLinesLength = 16 * 1024

/**
 * Takes cosignatures of a checkpoint, by whomever they are brought: `audit.cosign`.
 * @throws {AdminError} invalid-params; not-found: no checkpoint of this size is known any more
 */
export async function cosign(
  params: ParamReader,
  witnesses: Pick<Witnesses, 'accept'> | undefined,
): Promise<AdminMethods['audit.cosign']['result']> {
  const treeSize = params.index('treeSize')
  const lines = params.optionalText('lines', maxLinesLength)
  params.end()
  if (lines === undefined) throw new AdminError('invalid-params', 'lines are needed')
  if (witnesses === undefined) return { cosigned: [] }
  try {
    const cosigned = await witnesses.accept(treeSize, lines)
    if (cosigned === undefined) throw new AdminError('not-found', `no recent checkpoint of ${treeSize} records`)
    return { cosigned }
  } catch (error) {
    if (error instanceof NoteError) throw new AdminError('invalid-params', error.message)
    throw error
  }
}
