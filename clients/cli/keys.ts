import {
  type KeyJson,
  nobleCrypto,
  signProofOfPossession,
  toBase64url,
  withoutUndefined,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { loadIdentity } from '../identity/index.ts'
import { type AdminClient, withAdminClient } from './admin-client.ts'
import { type Command, exitCode, integerOption, parseArguments, parseOptions } from './command.ts'
import { connectionHelp, connectionOptions } from './connection.ts'
import { enrollFile } from './enroll-file.ts'
import {
  kidOf,
  onlyKey,
  publicKeyParam,
  restrictionHelp,
  restrictionOptions,
  restrictionsOf,
  restrictionText,
} from './key-options.ts'
import { passphraseFor, passphraseHelp, passphraseOptions } from './passphrase.ts'

const json = { json: { type: 'boolean' } } as const

export const enroll: Command = {
  name: 'enroll',
  help: `Usage: notarymq enroll KEY [--name NAME] [restrictions] [options]
       notarymq enroll --file FILE [options]

Enrols the public key of KEY: PEM (either half of the pair; the private one is never sent), .jwk, or a COSE_Key in .cbor
or .cose. A key has one name per log for ever; enrolling it again under the same name changes nothing.

      --name NAME               name in queries (default: 16 digits of its thumbprint)
      --proof                   prove that one has the private half, which KEY must hold; recorded
${passphraseHelp}
      --file FILE               JSON Lines, one key each: {"name": ..., "key": JWK, PEM or COSE_Key in base64url,
                                "restrictions": {...}}; a line that fails stops no other
${restrictionHelp}
${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const { values, positionals } = parseArguments(args, {
      ...connectionOptions,
      ...json,
      ...restrictionOptions,
      ...passphraseOptions,
      name: { type: 'string' },
      proof: { type: 'boolean' },
      file: { type: 'string' },
    })
    const [path, ...rest] = positionals
    const { file } = values
    if (file !== undefined) {
      if (path !== undefined) throw new ClientError('ERR_USAGE', 'either a key or --file')
      const { enrolled, failed } = await withAdminClient(values, (admin) => {
        return enrollFile(admin, file, values.json === true, output)
      })
      output.error(`${enrolled} enrolled, ${failed} failed`)
      return failed === 0 ? exitCode.ok : exitCode.no
    }
    if (path === undefined || rest.length > 0) throw new ClientError('ERR_USAGE', 'one key file is needed')
    const restrictions = restrictionsOf(values)
    const passphrase = await passphraseFor(path, values, output)
    const isRestricted = Object.keys(restrictions).length > 0
    const key = publicKeyParam(path, passphrase)
    const result = await withAdminClient(values, async (admin) => {
      const more = withoutUndefined({
        name: values.name,
        restrictions: isRestricted ? restrictions : undefined,
        proof: values.proof ? await proofFor(admin, path, passphrase) : undefined,
      })
      return admin.request('keys.enroll', { key, ...more })
    })
    output.out(values.json ? JSON.stringify(result) : `enrolled ${result.kid}`)
    return exitCode.ok
  },
}

async function proofFor(admin: AdminClient, path: string, passphrase: string | undefined): Promise<string> {
  const { key } = loadIdentity(path, passphrase)
  const { origin } = await admin.request('audit.status', {})
  return toBase64url(signProofOfPossession(key, origin, nobleCrypto))
}

export const revoke: Command = {
  name: 'revoke',
  help: `Usage: notarymq revoke KID|NAME [--reason TEXT] [options]

Publishes signed by the key are refused at every later index; what it signed before stays valid. Cannot be undone.
KID may be shortened while it is unambiguous.

      --reason TEXT             recorded with the revocation
${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const options = { ...connectionOptions, ...json, reason: { type: 'string' } } as const
    const { values, positionals } = parseArguments(args, options, true)
    const wanted = onlyKey(positionals)
    const result = await withAdminClient(values, async (admin) => {
      const kid = await kidOf(admin, wanted)
      return admin.request('keys.revoke', values.reason === undefined ? { kid } : { kid, reason: values.reason })
    })
    output.out(values.json ? JSON.stringify(result) : `revoked ${result.kid}`)
    return exitCode.ok
  },
}

export const keys: Command = {
  name: 'keys',
  help: `Usage: notarymq keys [options]
       notarymq keys restrict KID|NAME [restrictions] [options]

Without restrictions, 'restrict' lifts all that the key has; otherwise the given ones take their place.

${restrictionHelp}
${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const [subcommand, ...rest] = args
    if (subcommand === 'restrict') {
      const { values, positionals } = parseArguments(
        rest,
        { ...connectionOptions, ...json, ...restrictionOptions },
        true,
      )
      const [wanted, restrictions] = [onlyKey(positionals), restrictionsOf(values)]
      const result = await withAdminClient(values, async (admin) => {
        return admin.request('keys.restrict', { kid: await kidOf(admin, wanted), restrictions })
      })
      output.out(values.json ? JSON.stringify(result) : `restricted ${result.kid}`)
      return exitCode.ok
    }
    const values = parseOptions(args, { ...connectionOptions, ...json })
    const result = await withAdminClient(values, (admin) => admin.request('keys.list', {}))
    if (values.json) {
      output.out(JSON.stringify(result))
      return exitCode.ok
    }
    if (result.keys.length === 0) output.out('no keys')
    for (const key of result.keys) output.out(keyText(key))
    return exitCode.ok
  },
}

export const rotate: Command = {
  name: 'rotate',
  help: `Usage: notarymq rotate OLD NEW.pem [--name NAME] [--overlap N] [options]

Enrols NEW.pem with the restrictions of OLD, a kid or a name, and retires OLD. Doing it again changes nothing.

      --name NAME               name of the new key (default: 16 digits of its thumbprint)
      --overlap N               records for which OLD stays valid (default 0: it is refused at once)
      --proof                   prove that one has the private half, which NEW.pem must hold; recorded
${passphraseHelp}
${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const options = {
      ...connectionOptions,
      ...json,
      ...passphraseOptions,
      name: { type: 'string' },
      overlap: { type: 'string' },
      proof: { type: 'boolean' },
    } as const
    const { values, positionals } = parseArguments(args, options, true)
    const [old, path, ...rest] = positionals
    if (old === undefined || path === undefined || rest.length > 0) {
      throw new ClientError('ERR_USAGE', 'the old key and the file of the new one are needed')
    }
    const passphrase = await passphraseFor(path, values, output)
    const key = publicKeyParam(path, passphrase)
    const overlap = integerOption('--overlap', values.overlap, 0, Number.MAX_SAFE_INTEGER)
    const result = await withAdminClient(values, async (admin) => {
      const replaces = await kidOf(admin, old)
      const more = withoutUndefined({
        name: values.name,
        overlap,
        proof: values.proof ? await proofFor(admin, path, passphrase) : undefined,
      })
      const { kid } = await admin.request('keys.enroll', { key, replaces, ...more })
      return { kid, replaced: await admin.request('keys.get', { kid: replaces }) }
    })
    const { kid, replaced } = result
    output.out(values.json ? JSON.stringify(result) : `enrolled ${kid}\nretired  ${keyText(replaced)}`)
    return exitCode.ok
  },
}

function keyText(key: KeyJson): string {
  const restrictions = key.restrictions === undefined ? '' : `  ${restrictionText(key.restrictions)}`
  return `${key.kid}  ${key.name}  ${stateText(key)}${restrictions}`
}

function stateText({ status, enrolledAt, revokedAt, lastIndex }: KeyJson): string {
  switch (status) {
    case 'revoked':
      return `revoked at ${revokedAt}`
    case 'retired':
      return `retired, valid up to ${lastIndex}`
    case 'retiring':
      return `enrolled at ${enrolledAt}, valid up to ${lastIndex}`
    default:
      return `enrolled at ${enrolledAt}`
  }
}
