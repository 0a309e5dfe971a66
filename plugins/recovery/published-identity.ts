import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseVerifierKey } from '../../protocol/index.ts'
import type { LogIdentity } from '../anchors/index.ts'
import { PluginError } from '../errors.ts'
import { parsePublicKeyPem } from '../key-registry/index.ts'
import { nativeCrypto } from '../native-crypto.ts'

/**
 * The public keys beside a chain, and the name of the log: what is believed when its store is not. Newest first.
 * @throws {PluginError} ERR_KEY_FILE
 */
export function publishedIdentity(location: string): LogIdentity {
  const directory = join(location, 'keys')
  const names = existsSync(directory) ? readdirSync(directory).sort() : []
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  const brokers = names.filter((name) => /^broker\.pub\.pem(\.[0-9]+)?$/.test(name)).map(read)
  const logs = names
    .filter((name) => /^log\.vkey(\.[0-9]+)?$/.test(name))
    .map((name) => parseVerifierKey(read(name).trim(), nativeCrypto))
  const [log] = logs
  if (log === undefined || brokers.length === 0) {
    throw new PluginError('ERR_KEY_FILE', `${directory} has no broker.pub.pem and log.vkey to know the log by`)
  }
  return {
    origin: log.name,
    brokerKeys: brokers.map((pem) => parsePublicKeyPem(pem, nativeCrypto)),
    logKeys: logs.map(({ publicKey }) => publicKey),
  }
}
