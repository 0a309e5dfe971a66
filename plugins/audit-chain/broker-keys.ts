import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  bytesEqual,
  type Ed25519PrivateKey,
  fromBase64url,
  isSameP256,
  type NotaryKeyHistory,
  type P256PrivateKey,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { renameDurably } from './durable-file.ts'
import { readPrivateKeyFile, writePrivateKeyFile } from './private-key-file.ts'

/** How the private keys of the notary are kept. */
export interface KeyCustody {
  /** Opens and protects them. Absent: they are not protected. */
  readonly passphrase?: string | undefined
  /** Where systemd put the credentials of the service: `notarymq-broker.pem` and `notarymq-log.pem` there are looked at first. */
  readonly credentialsDirectory?: string | undefined
}

/** One key per role, so that a signature for one can never stand in the other. */
export type KeyRole = 'broker' | 'log'

/** A private key that may be the one in force. */
interface Candidate<Key> {
  readonly key: Key
  readonly path: string
  readonly isEncrypted: boolean
}

/** The private keys that were found for each role, at least one; which are in force, the chain says. */
export interface KeyCandidates {
  /** ECDSA P-256: block headers, key exchanges, statements of identity. */
  readonly brokers: readonly Candidate<P256PrivateKey>[]
  /** Ed25519: checkpoints. */
  readonly logs: readonly Candidate<Ed25519PrivateKey>[]
}

const keysDirectoryOf = (dataDirectory: string) => join(dataDirectory, 'keys')
const keyPath = (dataDirectory: string, role: KeyRole) => join(keysDirectoryOf(dataDirectory), `${role}.pem`)
/** Where a new key waits until its record is in the chain. */
const nextKeyPath = (dataDirectory: string, role: KeyRole) => join(keysDirectoryOf(dataDirectory), `${role}.next.pem`)

/**
 * Reads the private keys of a data directory, or makes them at first start: from the credentials of the service,
 * `keys/<role>.pem`, and `keys/<role>.next.pem`, which a rotation leaves behind that did not come to its end.
 * @param create false: they have to be there, since a chain is
 * @throws {PluginError} ERR_KEY_FILE, ERR_KEY_PASSPHRASE
 */
export async function openKeyCandidates(
  dataDirectory: string,
  create: boolean,
  custody: KeyCustody,
): Promise<KeyCandidates> {
  mkdirSync(keysDirectoryOf(dataDirectory), { recursive: true, mode: 0o700 })
  return {
    brokers: await candidatesOf(dataDirectory, 'broker', create, custody, p256Of),
    logs: await candidatesOf(dataDirectory, 'log', create, custody, ed25519Of),
  }
}

async function candidatesOf<Key>(
  dataDirectory: string,
  role: KeyRole,
  create: boolean,
  { passphrase, credentialsDirectory }: KeyCustody,
  keyOf: (object: KeyObject, path: string) => Key,
): Promise<readonly Candidate<Key>[]> {
  const path = keyPath(dataDirectory, role)
  const credential = credentialsDirectory === undefined ? [] : [join(credentialsDirectory, `notarymq-${role}.pem`)]
  const found = [...credential, path, nextKeyPath(dataDirectory, role)].filter((one) => existsSync(one))
  if (found.length === 0) {
    if (!create) {
      throw new PluginError('ERR_KEY_FILE', `${path} is missing, but the store holds a chain signed with it`)
    }
    const key = generateKey(role)
    await writePrivateKeyFile(path, key, passphrase)
    return [{ key: keyOf(key, path), path, isEncrypted: passphrase !== undefined }]
  }
  return found.map((one) => {
    const { key, isEncrypted } = readPrivateKeyFile(one, passphrase)
    return { key: keyOf(key, one), path: one, isEncrypted }
  })
}

function generateKey(role: KeyRole): KeyObject {
  return role === 'broker'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    : generateKeyPairSync('ed25519').privateKey
}

function p256Of(object: KeyObject, path: string): P256PrivateKey {
  const { crv, d, x, y } = object.export({ format: 'jwk' })
  if (crv !== 'P-256' || d === undefined || x === undefined || y === undefined) {
    throw new PluginError('ERR_KEY_FILE', `${path} is not a P-256 key`)
  }
  return { d: fromBase64url(d), x: fromBase64url(x), y: fromBase64url(y) }
}

/** @throws {PluginError} ERR_KEY_FILE */
export function ed25519Of(object: KeyObject, path: string): Ed25519PrivateKey {
  // An RSA key has no JWK with a curve, an Ed448 key has another one.
  const { crv, d, x } = object.export({ format: 'jwk' })
  if (crv !== 'Ed25519' || d === undefined || x === undefined) {
    throw new PluginError('ERR_KEY_FILE', `${path} is not an Ed25519 key`)
  }
  return { seed: fromBase64url(d), publicKey: fromBase64url(x) }
}

/** The candidates that the chain says are in force. */
export interface KeysInForce {
  readonly broker: Candidate<P256PrivateKey>
  readonly log: Candidate<Ed25519PrivateKey>
}

/** @throws {PluginError} ERR_CHAIN_KEY_MISMATCH */
export function keysInForce({ brokers, logs }: KeyCandidates, { notary }: { notary: NotaryKeyHistory }): KeysInForce {
  const [brokerTerm, logTerm] = [notary.brokers.at(-1), notary.logs.at(-1)]
  const broker = brokers.find(({ key }) => brokerTerm !== undefined && isSameP256(key, brokerTerm.key))
  const log = logs.find(({ key }) => logTerm !== undefined && bytesEqual(key.publicKey, logTerm.key))
  if (broker === undefined || log === undefined) {
    const role = broker === undefined ? 'broker' : 'log'
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', `keys/${role}.pem is not the ${role} key of this chain`)
  }
  return { broker, log }
}

/** Brings rotations to their end: a new key that the chain names takes the place of the old one. */
export async function settleKeyFiles(dataDirectory: string, inForce: KeysInForce): Promise<void> {
  for (const role of ['broker', 'log'] as const) {
    const next = nextKeyPath(dataDirectory, role)
    if (inForce[role].path === next) await renameDurably(next, keyPath(dataDirectory, role))
  }
}

/** Names of the keys in force that lie there without protection. */
export function unprotectedKeys({ broker, log }: KeysInForce): readonly string[] {
  return [broker, log].filter(({ isEncrypted }) => !isEncrypted).map(({ path }) => basename(path))
}

/**
 * Makes a new broker key, which waits beside the one in force. One that waits there already was never recorded, or it would
 * have taken its place when the chain was opened.
 */
export async function makeNextBrokerKey(dataDirectory: string, custody: KeyCustody): Promise<P256PrivateKey> {
  const { key, path } = await makeNextKey(dataDirectory, 'broker', custody)
  return p256Of(key, path)
}

/** As {@link makeNextBrokerKey}. */
export async function makeNextLogKey(dataDirectory: string, custody: KeyCustody): Promise<Ed25519PrivateKey> {
  const { key, path } = await makeNextKey(dataDirectory, 'log', custody)
  return ed25519Of(key, path)
}

async function makeNextKey(
  dataDirectory: string,
  role: KeyRole,
  { passphrase }: KeyCustody,
): Promise<{ readonly key: KeyObject; readonly path: string }> {
  const path = nextKeyPath(dataDirectory, role)
  const key = generateKey(role)
  await writePrivateKeyFile(path, key, passphrase)
  return { key, path }
}

/**
 * Protects the private keys of a data directory by another passphrase, or by none. Each file is replaced as a whole: a
 * crash leaves keys under the old and the new one, and doing it again with either as the old one goes on.
 * @throws {PluginError} ERR_KEY_FILE, ERR_KEY_PASSPHRASE
 */
export async function changeKeyPassphrase(
  dataDirectory: string,
  oldPassphrase: string | undefined,
  newPassphrase: string | undefined,
): Promise<readonly string[]> {
  const roles: readonly KeyRole[] = ['broker', 'log']
  const paths = roles.flatMap((role) => [keyPath(dataDirectory, role), nextKeyPath(dataDirectory, role)])
  const there = paths.filter((path) => existsSync(path))
  if (there.length === 0)
    throw new PluginError('ERR_KEY_FILE', `there are no keys in ${keysDirectoryOf(dataDirectory)}`)
  // All of them are opened before any is replaced.
  const keys = there.map((path) => ({ path, key: openWithEither(path, oldPassphrase, newPassphrase) }))
  for (const { path, key } of keys) await writePrivateKeyFile(path, key, newPassphrase)
  return there
}

function openWithEither(path: string, oldPassphrase: string | undefined, newPassphrase: string | undefined): KeyObject {
  try {
    return readPrivateKeyFile(path, oldPassphrase).key
  } catch (error) {
    const isOther = error instanceof PluginError && error.code === 'ERR_KEY_PASSPHRASE'
    if (!isOther || newPassphrase === undefined) throw error
    try {
      return readPrivateKeyFile(path, newPassphrase).key
    } catch {
      // The old passphrase is the one that was said to open it.
      throw error
    }
  }
}
