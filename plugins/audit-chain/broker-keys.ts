import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBase64url, type P256PrivateKey, verifierKeyText } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { replaceFileDurably } from './durable-file.ts'

const privateMode = 0o600
const publicMode = 0o644

/** The two keys of a broker: one per role, so that a signature for one can never stand in the other. */
export interface BrokerKeys {
  /** ES256 identity key: block headers. */
  readonly broker: P256PrivateKey
  /** Ed25519 public key of the log, 32 bytes; its private key waits on disk for checkpoints. */
  readonly logPublicKey: Uint8Array
}

/**
 * Reads `keys/broker.pem` and `keys/log.pem` of a data directory, or makes them at first start.
 * @param create false: they have to be there, since a chain is
 * @throws {PluginError} ERR_KEY_FILE
 */
export async function openBrokerKeys(dataDirectory: string, create: boolean): Promise<BrokerKeys> {
  const directory = join(dataDirectory, 'keys')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const broker = await readOrMake(join(directory, 'broker.pem'), create, () => {
    return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  })
  const log = await readOrMake(join(directory, 'log.pem'), create, () => generateKeyPairSync('ed25519').privateKey)
  const brokerPublicPath = join(directory, 'broker.pub.pem')
  const publicPem = createPublicKey(broker).export({ type: 'spki', format: 'pem' })
  if (!existsSync(brokerPublicPath)) await replaceFileDurably(brokerPublicPath, publicPem, publicMode)
  else if (readFileSync(brokerPublicPath, 'utf8').trim() !== publicPem.toString().trim()) {
    // What auditors are given must be what blocks are signed with.
    throw new PluginError('ERR_KEY_FILE', `${brokerPublicPath} does not belong to broker.pem beside it`)
  }
  const jwk = broker.export({ format: 'jwk' })
  if (jwk.crv !== 'P-256' || jwk.d === undefined || jwk.x === undefined || jwk.y === undefined) {
    throw new PluginError('ERR_KEY_FILE', `${join(directory, 'broker.pem')} is not a P-256 key`)
  }
  const logJwk = createPublicKey(log).export({ format: 'jwk' })
  if (logJwk.crv !== 'Ed25519' || logJwk.x === undefined) {
    throw new PluginError('ERR_KEY_FILE', `${join(directory, 'log.pem')} is not an Ed25519 key`)
  }
  return {
    broker: { d: fromBase64url(jwk.d), x: fromBase64url(jwk.x), y: fromBase64url(jwk.y) },
    logPublicKey: fromBase64url(logJwk.x),
  }
}

/** Text of `keys/log.vkey`, which it writes when it is not there: what an auditor is given. */
export async function publishVerifierKey(
  dataDirectory: string,
  origin: string,
  logPublicKey: Uint8Array,
): Promise<string> {
  const text = verifierKeyText(origin, logPublicKey, nativeCrypto)
  const path = join(dataDirectory, 'keys', 'log.vkey')
  if (!existsSync(path)) await replaceFileDurably(path, `${text}\n`, publicMode)
  return text
}

async function readOrMake(path: string, create: boolean, make: () => KeyObject): Promise<KeyObject> {
  if (existsSync(path)) {
    try {
      return createPrivateKey(readFileSync(path))
    } catch (cause) {
      throw new PluginError('ERR_KEY_FILE', `cannot read the private key ${path}`, {}, cause)
    }
  }
  if (!create) throw new PluginError('ERR_KEY_FILE', `${path} is missing, but the store holds a chain signed with it`)
  const key = make()
  await replaceFileDurably(path, key.export({ type: 'pkcs8', format: 'pem' }), privateMode)
  return key
}
