import { type KeyJson, p256ToJwk } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { loadPublicKey } from '../identity/index.ts'
import { withAdminClient } from './admin-client.ts'
import { type Command, exitCode, parseArguments, parseOptions } from './command.ts'
import { connectionHelp, connectionOptions } from './connection.ts'

const json = { json: { type: 'boolean' } } as const

export const enroll: Command = {
  name: 'enroll',
  summary: 'let a key sign publishes',
  help: `Usage: notarymq enroll KEY.pem [--name NAME] [options]

Enrols the public key of KEY.pem (either half of the pair; the private one is never sent). A key has one name per log
for ever; enrolling it again under the same name changes nothing.

      --name NAME               name in queries (default: 16 digits of its thumbprint)
${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const { values, positionals } = parseArguments(args, { ...connectionOptions, ...json, name: { type: 'string' } })
    const [path, ...rest] = positionals
    if (path === undefined || rest.length > 0) throw new ClientError('ERR_USAGE', 'one key file is needed')
    const key = p256ToJwk(loadPublicKey(path))
    const params = values.name === undefined ? { key } : { key, name: values.name }
    const result = await withAdminClient(values, (admin) => admin.request('keys.enroll', params))
    output.out(values.json ? JSON.stringify(result) : `enrolled ${result.kid}`)
    return exitCode.ok
  },
}

export const revoke: Command = {
  name: 'revoke',
  summary: 'refuse a key from now on',
  help: `Usage: notarymq revoke KID|NAME [--reason TEXT] [options]

Publishes signed by the key are refused at every later index; what it signed before stays valid. Cannot be undone.
KID may be shortened while it is unambiguous.

      --reason TEXT             recorded with the revocation
${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const { values, positionals } = parseArguments(args, { ...connectionOptions, ...json, reason: { type: 'string' } })
    const [wanted, ...rest] = positionals
    if (wanted === undefined || rest.length > 0) throw new ClientError('ERR_USAGE', 'one kid or name is needed')
    const result = await withAdminClient(values, async (admin) => {
      const { kid } = choose((await admin.request('keys.list', {})).keys, wanted)
      return admin.request('keys.revoke', values.reason === undefined ? { kid } : { kid, reason: values.reason })
    })
    output.out(values.json ? JSON.stringify(result) : `revoked ${result.kid}`)
    return exitCode.ok
  },
}

export const keys: Command = {
  name: 'keys',
  summary: 'list the keys that sign',
  help: `Usage: notarymq keys [options]

${connectionHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const values = parseOptions(args, { ...connectionOptions, ...json })
    const result = await withAdminClient(values, (admin) => admin.request('keys.list', {}))
    if (values.json) {
      output.out(JSON.stringify(result))
      return exitCode.ok
    }
    if (result.keys.length === 0) output.out('no keys')
    for (const key of result.keys) {
      const state = key.revokedAt === undefined ? `enrolled at ${key.enrolledAt}` : `revoked at ${key.revokedAt}`
      output.out(`${key.kid}  ${key.name}  ${state}`)
    }
    return exitCode.ok
  },
}

function choose(all: readonly KeyJson[], wanted: string): KeyJson {
  const named = all.filter((key) => key.name === wanted)
  const found = named.length > 0 ? named : all.filter((key) => key.kid.startsWith(wanted))
  const [first] = found
  if (first === undefined) throw new ClientError('ERR_ADMIN', `no key has the kid or name ${wanted}`)
  if (found.length > 1) throw new ClientError('ERR_ADMIN', `${found.length} keys begin with ${wanted}`)
  return first
}
