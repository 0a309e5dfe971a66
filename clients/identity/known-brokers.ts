import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  coseKeyOfP256,
  decodeP256CoseKey,
  encodeCbor,
  fromBase64url,
  nobleCrypto,
  type P256PublicKey,
  toBase64url,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** Where the keys of brokers are remembered unless told otherwise: `HOST:PORT`, a space, its COSE_Key in base64url. */
export const defaultKnownBrokersFile: string = join(homedir(), '.notarymq', 'known-brokers')

/**
 * The key that a broker is known by.
 * @param name `HOST:PORT` as the client was told it
 * @returns undefined when nobody met it yet
 * @throws {ClientError} ERR_KNOWN_BROKERS
 */
export function knownBrokerKey(file: string, name: string): P256PublicKey | undefined {
  if (!existsSync(file)) return undefined
  for (const [at, line] of read(file).split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [known, key, ...rest] = line.split(' ')
    if (known === undefined || key === undefined || rest.length > 0) throw unreadable(file, at)
    if (known !== name) continue
    try {
      return decodeP256CoseKey(fromBase64url(key), nobleCrypto)
    } catch (cause) {
      throw unreadable(file, at, cause)
    }
  }
  return undefined
}

/** Remembers the key of a broker that was not known. @throws {ClientError} ERR_KNOWN_BROKERS */
export function rememberBroker(file: string, name: string, key: P256PublicKey): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    appendFileSync(file, `${name} ${toBase64url(encodeCbor(coseKeyOfP256(key)))}\n`, { mode: 0o600 })
  } catch (cause) {
    throw new ClientError('ERR_KNOWN_BROKERS', `cannot write ${file}`, {}, cause)
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ClientError('ERR_KNOWN_BROKERS', `cannot read ${file}`, {}, cause)
  }
}

function unreadable(file: string, at: number, cause?: unknown): ClientError {
  return new ClientError('ERR_KNOWN_BROKERS', `${file}:${at + 1} is not a broker and its key`, { line: at + 1 }, cause)
}
