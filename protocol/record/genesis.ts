import type { CborValue } from '../cbor/index.ts'
import {
  coseKeyOfEd25519,
  coseKeyOfP256,
  ed25519FromCoseKey,
  type P256PublicKey,
  p256FromCoseKey,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { checkpointOf, type Predecessor, predecessorFromCbor, predecessorToCbor } from './predecessor.ts'
import type { ChainRecord } from './record.ts'

/** Version of the chain format as a whole: records, leaves, blocks, tree. */
export const chainFormatVersion = 1

/** What leaf 0 says: whose log this is, and with which keys it is signed. */
export interface Genesis {
  /** Name of the log, first line of its checkpoints. */
  readonly origin: string
  /** Signs block headers. */
  readonly brokerKey: P256PublicKey
  /** Ed25519 public key that will sign checkpoints, 32 bytes. */
  readonly logKey: Uint8Array
  /** The log that this one continues after a recovery. */
  readonly continues?: Predecessor
}

const detail = { formatVersion: 1, origin: 2, brokerKey: 3, logKey: 4, parameters: 5, continues: 6 } as const
/** Parameters of the format that a verifier must agree with. */
const parameter = { treeHash: 1, saltBytes: 2 } as const
const rfc9162Sha256 = 1

export function genesisRecord(genesis: Genesis, timeMs: number): ChainRecord {
  const { continues } = genesis
  return {
    kind: 'genesis',
    timeMs,
    detail: new Map<number, CborValue>([
      [detail.formatVersion, chainFormatVersion],
      [detail.origin, genesis.origin],
      [detail.brokerKey, coseKeyOfP256(genesis.brokerKey)],
      [detail.logKey, coseKeyOfEd25519(genesis.logKey)],
      [
        detail.parameters,
        new Map<number, CborValue>([
          [parameter.treeHash, rfc9162Sha256],
          [parameter.saltBytes, 16],
        ]),
      ],
      ...(continues === undefined ? [] : [[detail.continues, predecessorToCbor(continues)] as const]),
    ]),
  }
}

/**
 * Reads the genesis record.
 * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
 */
export function parseGenesis(record: ChainRecord, crypto: CryptoProvider): Genesis {
  const fields = record.detail
  if (record.kind !== 'genesis' || fields === undefined) throw malformed('genesis')
  const before = fields.get(detail.continues)
  if (fields.size !== (before === undefined ? 5 : 6)) throw malformed('genesis')
  if (fields.get(detail.formatVersion) !== chainFormatVersion) throw malformed('chain format version')
  const origin = fields.get(detail.origin)
  const parameters = fields.get(detail.parameters)
  if (typeof origin !== 'string' || !(parameters instanceof Map)) throw malformed('genesis')
  if (parameters.size !== 2 || parameters.get(parameter.treeHash) !== rfc9162Sha256) throw malformed('parameters')
  if (parameters.get(parameter.saltBytes) !== 16) throw malformed('parameters')
  const logKey = ed25519FromCoseKey(fields.get(detail.logKey) ?? null)
  const genesis = { origin, brokerKey: p256FromCoseKey(fields.get(detail.brokerKey) ?? null, crypto), logKey }
  if (before === undefined) return genesis
  const continues = predecessorFromCbor(before, crypto)
  // Two logs of one name would be one that forked.
  if (checkpointOf(continues, crypto).origin === origin) throw malformed('a log that continues itself')
  return { ...genesis, continues }
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', `not a genesis record: ${what}`)
}
