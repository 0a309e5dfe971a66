import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import {
  type KeyRestrictions,
  largestWindow,
  type P256Jwk,
  p256ToJwk,
  smallestWindow,
  toBase64url,
  withoutUndefined,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { loadPublicKey } from '../identity/index.ts'
import type { AdminClient } from './admin-client.ts'
import { integerOption } from './command.ts'

/** Flags of the commands that give a key restrictions. */
export const restrictionOptions = {
  client: { type: 'string', multiple: true },
  user: { type: 'string', multiple: true },
  topic: { type: 'string', multiple: true },
  clock: { type: 'string' },
  window: { type: 'string' },
  gateway: { type: 'boolean' },
} as const

export const restrictionHelp = `      --client PATTERN          client ids that may use the key; * stands for any characters (repeatable)
      --user PATTERN            proven usernames that may use it (repeatable)
      --topic FILTER            topics it may sign for (repeatable)
      --clock none              the signer has no clock
      --window N                size of its replay window, ${smallestWindow} to ${largestWindow}
      --gateway                 its sessions may carry what other keys signed`

interface RestrictionFlags {
  readonly client?: readonly string[] | undefined
  readonly user?: readonly string[] | undefined
  readonly topic?: readonly string[] | undefined
  readonly clock?: string | undefined
  readonly window?: string | undefined
  readonly gateway?: boolean | undefined
}

/** @throws {ClientError} ERR_USAGE */
export function restrictionsOf(flags: RestrictionFlags): KeyRestrictions {
  const { clock } = flags
  if (clock !== undefined && clock !== 'none') throw new ClientError('ERR_USAGE', '--clock takes none')
  return withoutUndefined({
    clients: flags.client,
    users: flags.user,
    topics: flags.topic,
    clock,
    window: integerOption('--window', flags.window, smallestWindow, largestWindow),
    gateway: flags.gateway ? (true as const) : undefined,
  })
}

/** Restrictions in words, for people. */
export function restrictionText(restrictions: KeyRestrictions): string {
  const { clients, users, topics, clock, window, gateway } = restrictions
  const parts = [
    clients === undefined ? [] : ['clients', ...clients],
    users === undefined ? [] : ['users', ...users],
    topics === undefined ? [] : ['topics', ...topics],
    clock === undefined ? [] : ['clock', clock],
    window === undefined ? [] : ['window', String(window)],
    gateway === undefined ? [] : ['gateway'],
  ]
  return parts.flat().join(' ')
}

/** A COSE_Key of a P-256 key begins with a map of four. */
const coseKeyStart = 0xa4

/**
 * The public key of a file, as `keys.enroll` takes it: PEM of either half (the private one is never sent), JWK, or
 * COSE_Key, as it is or in base64url.
 * @param passphrase needed when the file is an encrypted private key
 * @throws {ClientError} ERR_IDENTITY_FILE, ERR_PASSPHRASE
 */
export function publicKeyParam(path: string, passphrase?: string): P256Jwk | string {
  const extension = extname(path)
  if (extension !== '.jwk' && extension !== '.cbor' && extension !== '.cose')
    return p256ToJwk(loadPublicKey(path, passphrase))
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch (cause) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} cannot be read`, {}, cause)
  }
  if (content[0] === coseKeyStart) return toBase64url(content)
  const text = content.toString('utf8')
  // Whoever wrote the private half into the file learns it here, before it is on its way.
  if (extension === '.jwk' && /"d"\s*:/.test(text)) {
    throw new ClientError('ERR_IDENTITY_FILE', `${path} holds a private key; only the public one belongs here`)
  }
  return text
}

/** The one argument of a command that is about a key. @throws {ClientError} ERR_USAGE */
export function onlyKey(positionals: readonly string[]): string {
  const [wanted, ...rest] = positionals
  if (wanted === undefined || rest.length > 0) throw new ClientError('ERR_USAGE', 'one kid or name is needed')
  return wanted
}

/** Whole kid of the one key that a kid, a beginning of it, or a name means. @throws {ClientError} ERR_ADMIN */
export async function kidOf(admin: AdminClient, wanted: string): Promise<string> {
  const { keys: all } = await admin.request('keys.list', {})
  const named = all.filter((key) => key.name === wanted)
  const found = named.length > 0 ? named : all.filter((key) => key.kid.startsWith(wanted))
  const [first] = found
  if (first === undefined) throw new ClientError('ERR_ADMIN', `no key has the kid or name ${wanted}`)
  if (found.length > 1) throw new ClientError('ERR_ADMIN', `${found.length} keys begin with ${wanted}`)
  return first.kid
}
