import { bytesEqual } from '../bytes.ts'
import { CborReader, type CborValue, CborWriter, decodeCbor, encodeCbor } from '../cbor/index.ts'
import {
  coseKeyOfEd25519,
  coseKeyOfP256,
  ed25519FromCoseKey,
  externalAad,
  type P256PublicKey,
  p256FromCoseKey,
  thumbprintOfEd25519,
  thumbprintOfP256,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import {
  decodeHighestSeqs,
  encodeHighestSeqs,
  keySeqsOf,
  type LogBefore,
  predecessorFromCbor,
  predecessorToCbor,
  restrictionsFromCbor,
  restrictionsToCbor,
} from '../record/index.ts'
import { KeyEntry, type KeyTerm, type NotaryKeyHistory, type RegisteredKey } from '../registry/index.ts'
import { FiredWills, ReplayWindow } from '../replay/index.ts'
import { type BrokerSigner, verifyBrokerSignature } from './broker-signature.ts'
import { type ChainState, decodeChainState, encodeChainState } from './state.ts'

// Keys and sequence numbers as they were after one block. It saves a start the way to there and proves nothing: whoever
// verifies a chain does not look at it.

const snapshotVersion = 2

/** Bound into every snapshot, so that its signature can be taken for nothing else. */
const snapshotAad = externalAad('snapshot')

/** What a snapshot stands on, and the keys in it. */
export interface Snapshot {
  readonly origin: string
  readonly notary: NotaryKeyHistory
  /** State after the block that the snapshot was taken after. */
  readonly state: ChainState
  readonly keys: readonly SnapshotKey[]
  /** The log that this one continues. */
  readonly before: LogBefore | undefined
}

/** A key with the digest of its {@link encodeKeyMemory}, which is stored beside the snapshot. */
export interface SnapshotKey {
  readonly key: RegisteredKey
  /** SHA-256, 32 bytes. */
  readonly memoryDigest: Uint8Array
}

/** The sequence numbers that a key used: CBOR `[window, wills]`. The large part, which most snapshots leave as it is. */
export function encodeKeyMemory({ window, wills }: Pick<RegisteredKey, 'window' | 'wills'>): Uint8Array {
  const encodedWindow = window.encode()
  const encodedWills = wills.encode()
  return new CborWriter(encodedWindow.length + encodedWills.length + 16)
    .array(2)
    .bytes(encodedWindow)
    .bytes(encodedWills)
    .finish()
}

function decodeKeyMemory(encoded: Uint8Array): Pick<RegisteredKey, 'window' | 'wills'> {
  const reader = new CborReader(encoded)
  reader.array(2)
  const window = ReplayWindow.decode(reader.bytes())
  const wills = FiredWills.decode(reader.bytes())
  reader.end()
  return { window, wills }
}

/** COSE_Sign1 by the broker over CBOR `[2, origin, [+ broker key], [+ log key], chain state, [* key], log before]`. */
export function signSnapshot({ origin, notary, state, keys, before }: Snapshot, signer: BrokerSigner): Uint8Array {
  const payload = encodeCbor([
    snapshotVersion,
    origin,
    notary.brokers.map(({ since, key }) => [since, coseKeyOfP256(key)]),
    notary.logs.map(({ since, key }) => [since, coseKeyOfEd25519(key)]),
    encodeChainState(state),
    keys.map(({ key, memoryDigest }) => [
      coseKeyOfP256(key.key),
      key.name,
      key.enrolledAt,
      key.revokedAt ?? null,
      key.lastIndex ?? null,
      key.replaces ?? null,
      restrictionsToCbor(key.restrictions),
      memoryDigest,
    ]),
    before === undefined ? null : [predecessorToCbor(before.continues), encodeHighestSeqs(keySeqsOf(before.used))],
  ])
  return signer.sign(snapshotAad, payload)
}

/** A snapshot whose signature holds, with the keys ready for a registry. */
export interface RestoredSnapshot {
  readonly origin: string
  readonly notary: NotaryKeyHistory
  readonly state: ChainState
  readonly keys: readonly (SnapshotKey & { readonly key: KeyEntry })[]
  readonly before: LogBefore | undefined
}

/**
 * Verifies a snapshot and reads it. Whether the chain agrees with it is for the caller to find out.
 * @param memoryOf what is stored beside it for the key with a thumbprint
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_*, ERR_KEY_*, ERR_RECORD_MALFORMED, ERR_BLOCK_MALFORMED
 */
export async function readSnapshot(
  signed: Uint8Array,
  brokerKey: P256PublicKey,
  memoryOf: (thumbprint: Uint8Array) => Promise<Uint8Array | undefined>,
  crypto: CryptoProvider,
): Promise<RestoredSnapshot> {
  const payload = await verifyBrokerSignature(signed, snapshotAad, brokerKey, crypto)
  const value = decodeCbor(payload)
  if (!Array.isArray(value) || value.length !== 7 || value[0] !== snapshotVersion) throw malformed('version')
  const [, origin, brokers, logs, state, list, before] = value as readonly CborValue[]
  if (typeof origin !== 'string' || !(state instanceof Uint8Array)) throw malformed('origin or state')
  if (!Array.isArray(list)) throw malformed('keys')
  const keys: RestoredSnapshot['keys'][number][] = []
  for (const item of list) keys.push(await readKey(item, memoryOf, crypto))
  const notary = {
    brokers: readTerms(brokers, (key) => {
      const brokerTerm = p256FromCoseKey(key, crypto)
      return { key: brokerTerm, thumbprint: thumbprintOfP256(brokerTerm, crypto) }
    }),
    logs: readTerms(logs, (key) => {
      const logTerm = ed25519FromCoseKey(key)
      return { key: logTerm, thumbprint: thumbprintOfEd25519(logTerm, crypto) }
    }),
  }
  return {
    origin,
    notary,
    state: decodeChainState(state, crypto),
    keys,
    before: readBefore(before, crypto),
  }
}

function readBefore(value: CborValue | undefined, crypto: CryptoProvider): LogBefore | undefined {
  if (value === null) return undefined
  if (!Array.isArray(value) || value.length !== 2) throw malformed('log before')
  const [continues, used] = value as readonly CborValue[]
  if (!(used instanceof Uint8Array)) throw malformed('log before')
  return { continues: predecessorFromCbor(continues ?? null, crypto), used: decodeHighestSeqs(used) }
}

/** @param read makes of a COSE_Key what it stands for */
function readTerms<Key>(
  list: CborValue | undefined,
  read: (key: CborValue) => Omit<KeyTerm<Key>, 'since'>,
): readonly KeyTerm<Key>[] {
  if (!Array.isArray(list) || list.length === 0) throw malformed('keys of the notary')
  return list.map((item: CborValue) => {
    if (!Array.isArray(item) || item.length !== 2) throw malformed('key of the notary')
    const [since, key] = item as readonly CborValue[]
    if (typeof since !== 'number' || since < 0) throw malformed('index')
    return { ...read(key ?? null), since }
  })
}

async function readKey(
  item: CborValue,
  memoryOf: (thumbprint: Uint8Array) => Promise<Uint8Array | undefined>,
  crypto: CryptoProvider,
): Promise<RestoredSnapshot['keys'][number]> {
  if (!Array.isArray(item) || item.length !== 8) throw malformed('key')
  const [coseKey, name, enrolledAt, revokedAt, lastIndex, replaces, restrictions, memoryDigest] = item as CborValue[]
  const key = p256FromCoseKey(coseKey ?? null, crypto)
  if (typeof name !== 'string' || typeof enrolledAt !== 'number') throw malformed('key')
  if (!(memoryDigest instanceof Uint8Array)) throw malformed('key')
  const thumbprint = thumbprintOfP256(key, crypto)
  const memory = await memoryOf(thumbprint)
  if (memory === undefined || !bytesEqual(crypto.sha256(memory), memoryDigest)) throw malformed('sequence numbers')
  const parts = {
    key,
    thumbprint,
    name,
    enrolledAt,
    revokedAt: indexOrNothing(revokedAt),
    lastIndex: indexOrNothing(lastIndex),
    replaces: bytesOrNothing(replaces),
    restrictions: restrictionsFromCbor(restrictions ?? null),
  }
  return { key: new KeyEntry({ ...parts, ...decodeKeyMemory(memory) }), memoryDigest }
}

function indexOrNothing(value: CborValue | undefined): number | undefined {
  if (value === null) return undefined
  if (typeof value !== 'number' || value < 0) throw malformed('index')
  return value
}

function bytesOrNothing(value: CborValue | undefined): Uint8Array | undefined {
  if (value === null) return undefined
  if (!(value instanceof Uint8Array)) throw malformed('replaced key')
  return value
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_BLOCK_MALFORMED', `not a snapshot of version ${snapshotVersion}: ${what}`)
}
