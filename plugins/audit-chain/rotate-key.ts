import {
  type NotaryKeyHistory,
  type RotationEvent,
  type RotationPlace,
  signBrokerKeyProof,
  signLogKeyProof,
  thumbprintOfEd25519,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { AuditChain } from './audit-chain.ts'
import { type KeyCustody, type KeyRole, makeNextBrokerKey, makeNextLogKey } from './broker-keys.ts'
import { openStoreDatabase } from './level-store.ts'

/** What a rotation did. */
export interface KeyRotation {
  /** Index of its record. */
  readonly index: number
  /** Thumbprints, 32 bytes. */
  readonly thumbprint: Uint8Array
  readonly replaces: Uint8Array
}

/**
 * Gives the notary of a stopped broker a new key: makes it, records it in a block that the key in force still signs, and
 * puts it in the place of the old one. After a crash the next opening of the chain brings that to its end when the
 * record was written; when not, nothing has changed but for a file `<role>.next.pem` that the next rotation overwrites.
 * @param notice told of what an operator may want to know
 * @throws {PluginError} ERR_STORE_NOT_FOUND, ERR_STORE_LOCKED, and what opening a chain throws
 */
export async function rotateKey(
  location: string,
  role: KeyRole,
  custody: KeyCustody,
  notice: (message: string) => void,
): Promise<KeyRotation> {
  // Where there is no chain none must be begun.
  await (await openStoreDatabase(location, false)).close()
  const options = { location, custody, onError: (error: unknown) => notice(String(error)), onNotice: notice }
  const chain = await AuditChain.open(options)
  let event: RotationEvent
  let index: number
  try {
    const plan = await planRotation(location, chain.registry.notary, role, custody)
    index = chain.nextIndex
    event = await chain.rotate(plan)
  } finally {
    await chain.close()
  }
  // Opening is what puts the new key into its place, and shows that the chain goes on with it.
  await (await AuditChain.open(options)).close()
  return { index, thumbprint: event.thumbprint, replaces: event.replaces }
}

async function planRotation(
  location: string,
  { brokers, logs }: NotaryKeyHistory,
  role: KeyRole,
  custody: KeyCustody,
): Promise<(place: RotationPlace) => RotationEvent> {
  const [brokerTerm, logTerm] = [brokers.at(-1), logs.at(-1)]
  if (brokerTerm === undefined || logTerm === undefined) throw new RangeError('the chain has not begun')
  if (role === 'log') {
    const key = await makeNextLogKey(location, custody)
    const { publicKey } = key
    const thumbprint = thumbprintOfEd25519(publicKey, nativeCrypto)
    const common = { action: 'log-key', thumbprint, key: publicKey, replaces: logTerm.thumbprint } as const
    return (place) => ({ ...common, proof: signLogKeyProof(key, place, nativeCrypto) })
  }
  const key = await makeNextBrokerKey(location, custody)
  const publicKey = { x: key.x, y: key.y }
  const thumbprint = thumbprintOfP256(publicKey, nativeCrypto)
  const common = { action: 'broker-key', thumbprint, key: publicKey, replaces: brokerTerm.thumbprint } as const
  return (place) => ({ ...common, proof: signBrokerKeyProof(key, place, nativeCrypto) })
}
