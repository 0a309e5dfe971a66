import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { describe } from '../describe.ts'
import { BrokerError } from '../errors.ts'

/** A user of this machine. */
export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/** Whom a broker becomes that root starts with a configuration that names nobody, as Mosquitto does. */
const usualUser = 'mosquitto'

export interface UserChoice {
  /** `user` of the configuration; undefined: not written. */
  readonly user: string | undefined
  /** Without a configuration the data directory is one of whoever starts the broker. */
  readonly hasConfiguration: boolean
  /** Data directory, made for the user when it is not there. */
  readonly location: string
}

/**
 * Gives up the rights of root, before any file is made or port opened: what is made from then on belongs to the user that
 * the broker becomes, and what that one may not read is found out at once. Where the process is not root nothing happens,
 * as with Mosquitto.
 * @returns what an operator should know, for the log; undefined: nothing
 * @throws {BrokerError} ERR_USER_UNKNOWN: the configuration names a user who is not there; ERR_USER_CHANGE
 */
export function giveUpRoot({ user, hasConfiguration, location }: UserChoice): string | undefined {
  if (process.getuid?.() !== 0) return undefined
  if (user === undefined && !hasConfiguration) {
    return `Warning: the broker runs as root. Start it as another user, or with a configuration, and it becomes ${usualUser}.`
  }
  const name = user ?? usualUser
  if (name === 'root') return 'Warning: the broker runs as root, as "user root" says; any other user would be safer.'
  const found = findUser(name, readFileSync('/etc/passwd', 'utf8'))
  if (found !== undefined) {
    try {
      becomeUser(name, found, location)
    } catch (cause) {
      const message = `cannot become user ${name}: ${describe(cause)}`
      throw new BrokerError('ERR_USER_CHANGE', message, {}, cause)
    }
    return undefined
  }
  if (user !== undefined) throw new BrokerError('ERR_USER_UNKNOWN', `there is no user ${user} on this machine`)
  return `Warning: the broker runs as root: there is no user ${usualUser} on this machine. Make it, or name another one with "user".`
}

function becomeUser(name: string, { uid, gid }: SystemUser, location: string): void {
  if (!existsSync(location)) {
    mkdirSync(location, { recursive: true, mode: 0o700 })
    chownSync(location, uid, gid)
  }
  // The groups of that user too, which may be what a key file is readable by; the types of Node leave this one out.
  const { initgroups } = process as { initgroups?: (user: string, extraGroup: number) => void }
  initgroups?.(name, gid)
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** @param passwd text of /etc/passwd */
export function findUser(user: string, passwd: string): SystemUser | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name === user && /^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? ''))
      return { uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}
