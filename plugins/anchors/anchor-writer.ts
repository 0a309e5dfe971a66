import { BrokerSigner, signAnchor } from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import type { Anchor } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { AnchorFile } from './anchor-file.ts'
import { AnchoredPlaces } from './anchored-places.ts'

export interface AnchorWriterOptions {
  readonly chain: Pick<AuditChain, 'brokerKey' | 'database' | 'record' | 'registry'>
  readonly files: readonly AnchorFile[]
  /** Told when a file cannot be written, and not again before it could: ERR_ANCHOR_WRITE_FAILED. */
  readonly onFailing: (place: string, error: PluginError) => void
  /** Told when such a file was written again. */
  readonly onMended: (place: string) => void
}

/** What every checkpoint goes through before it is published: each file gets it, with the sequence numbers of all keys. */
export async function openAnchors(options: AnchorWriterOptions): Promise<readonly Anchor[]> {
  const { chain, files, onFailing, onMended } = options
  const places = await AnchoredPlaces.open(chain.database)
  const signer = new BrokerSigner(chain.brokerKey, nativeCrypto)
  const failing = new Set<string>()
  return files.map((file) => async ({ note }) => {
    const { place } = file
    try {
      // What was decided since the checkpoint is in the list, too: a number more is never one that was not used.
      await file.write(signAnchor(note, chain.registry.highestSeqs(), signer))
    } catch (error) {
      if (error instanceof PluginError && !failing.has(place)) onFailing(place, error)
      failing.add(place)
      throw error
    }
    if (failing.delete(place)) onMended(place)
    await places.note(place, chain)
  })
}
