import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type NotaryKeyHistory, type P256PublicKey, p256ToJwk, verifierKeyText } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { replaceFileDurably } from './durable-file.ts'

const publicMode = 0o644

/**
 * Writes what auditors are given where it is not there: `keys/broker.pub.pem` and `keys/log.vkey`, and the keys that they
 * took the place of as `broker.pub.pem.<n>` and `log.vkey.<n>`, from 1 on. All of it follows from the chain.
 * @param origin name of the log
 * @returns verifier key text of the log (C2SP signed note)
 * @throws {PluginError} ERR_KEY_FILE: a public key is there that is none of this chain
 */
export async function publishKeys(dataDirectory: string, origin: string, notary: NotaryKeyHistory): Promise<string> {
  const directory = join(dataDirectory, 'keys')
  const pems = notary.brokers.map(({ key }) => publicKeyPem(key))
  const brokerPath = join(directory, 'broker.pub.pem')
  const published = await publish(brokerPath, pems)
  if (published !== pems.at(-1)) {
    // What auditors are given must be what blocks are signed with.
    throw new PluginError('ERR_KEY_FILE', `${brokerPath} does not belong to broker.pem beside it`)
  }
  const vkeys = logVkeys(origin, notary)
  await publish(
    join(directory, 'log.vkey'),
    vkeys.map((vkey) => `${vkey}\n`),
  )
  return vkeys.at(-1) as string
}

/**
 * @param texts one for each key, oldest first
 * @returns what the file of the last one holds now
 */
async function publish(path: string, texts: readonly string[]): Promise<string> {
  const earlier = texts.slice(0, -1)
  const current = texts.at(-1) as string
  for (const [i, text] of earlier.entries()) await writeOnce(`${path}.${i + 1}`, text)
  const found = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  if (found !== undefined && !earlier.some((text) => text.trim() === found.trim())) {
    return found.trim() === current.trim() ? current : found
  }
  await replaceFileDurably(path, current, publicMode)
  return current
}

async function writeOnce(path: string, text: string): Promise<void> {
  if (!existsSync(path)) await replaceFileDurably(path, text, publicMode)
}

/** Verifier key texts of the log (C2SP signed note), oldest first. */
function logVkeys(origin: string, { logs }: Pick<NotaryKeyHistory, 'logs'>): readonly string[] {
  return logs.map(({ key }) => verifierKeyText(origin, key, nativeCrypto))
}

/** What auditors are given, by name of the file: keys in force, and those before them with a number, from 1 on. */
export function publicKeyFiles(origin: string, notary: NotaryKeyHistory): ReadonlyMap<string, string> {
  const pems = notary.brokers.map(({ key }) => publicKeyPem(key))
  const vkeys = logVkeys(origin, notary).map((vkey) => `${vkey}\n`)
  return new Map([...numbered('broker.pub.pem', pems), ...numbered('log.vkey', vkeys)])
}

function numbered(name: string, texts: readonly string[]): [string, string][] {
  return texts.map((text, i) => [i === texts.length - 1 ? name : `${name}.${i + 1}`, text])
}

function publicKeyPem(key: P256PublicKey): string {
  const { kty, crv, x, y } = p256ToJwk(key)
  return createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString()
}
