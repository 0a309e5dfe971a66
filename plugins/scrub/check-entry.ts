import { createHash, type Hash } from 'node:crypto'
import {
  type BlockEntry,
  bytesEqual,
  commitmentOf,
  type DamageCause,
  decodeLeaf,
  decodeRecord,
  type Erasable,
  isBodyErased,
  ProtocolError,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'

/** Bytes hashed without a pause: less than a millisecond on a slow machine. */
const bytesAtOnce = 64 * 1024
/** Bytes of a large body that count as one record. */
const bytesPerUnit = 4096

/**
 * Checks what is stored for one record: the record against its leaf, the body against the record. Who signed it is not
 * asked: a disk does not forge.
 * @param isErased whether an erasure record of the chain announces that it is gone; asked when it is
 * @param spend told how much was hashed of a large body, in parts; waited for
 * @returns what is wrong first; undefined: nothing
 */
export async function checkEntry(
  { leaf, salt, record: encoded, body }: BlockEntry,
  isErased: (what: Erasable) => Promise<boolean>,
  spend: (units: number) => Promise<void>,
): Promise<DamageCause | undefined> {
  if (encoded === undefined) return (await isErased('records')) ? undefined : 'erased-unannounced'
  try {
    const { commitment } = decodeLeaf(leaf)
    if (!bytesEqual(commitment, commitmentOf(salt, encoded, nativeCrypto))) return 'record-mismatch'
  } catch (error) {
    return causeOf(error, 'leaf-mismatch')
  }
  try {
    const { kind, payloadSha256, payloadSize } = decodeRecord(encoded)
    if (isBodyErased({ kind }, body)) return (await isErased('bodies')) ? undefined : 'erased-unannounced'
    if (body === undefined) return undefined
    if (kind !== 'publish' || payloadSha256 === undefined || body.length !== payloadSize) return 'payload-mismatch'
    return bytesEqual(await sha256InParts(body, spend), payloadSha256) ? undefined : 'payload-mismatch'
  } catch (error) {
    return causeOf(error, 'record-malformed')
  }
}

async function sha256InParts(bytes: Uint8Array, spend: (units: number) => Promise<void>): Promise<Uint8Array> {
  if (bytes.length <= bytesAtOnce) return nativeCrypto.sha256(bytes)
  const hash: Hash = createHash('sha256')
  for (let at = 0; at < bytes.length; at += bytesAtOnce) {
    hash.update(bytes.subarray(at, at + bytesAtOnce))
    await spend(bytesAtOnce / bytesPerUnit)
  }
  return hash.digest()
}

/** What it means that a parser refused stored bytes. @throws what no parser threw */
export function causeOf(error: unknown, cause: DamageCause): DamageCause {
  if (error instanceof ProtocolError) return cause
  throw error
}
