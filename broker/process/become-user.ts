import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { BrokerError } from '../errors.ts'

/** A user of this machine. */
export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/**
 * Gives up the rights of root for those of `user`, before any file or port is opened: what is made from then on belongs to
 * that user, and what it may not read is found out at once. Where the process is not root, nothing happens, as with
 * Mosquitto.
 * @param location data directory, made for that user when it is not there
 * @throws {BrokerError} ERR_USER_UNKNOWN
 */
export function becomeUser(user: string, location: string): void {
  if (process.getuid?.() !== 0 || user === 'root') return
  const found = findUser(user, readFileSync('/etc/passwd', 'utf8'))
  if (found === undefined) throw new BrokerError('ERR_USER_UNKNOWN', `there is no user ${user} on this machine`)
  if (!existsSync(location)) {
    mkdirSync(location, { recursive: true, mode: 0o700 })
    chownSync(location, found.uid, found.gid)
  }
  // The groups of that user too, which may be what a key file is readable by; the types of Node leave this one out.
  const { initgroups } = process as { initgroups?: (user: string, extraGroup: number) => void }
  initgroups?.(user, found.gid)
  process.setgid?.(found.gid)
  process.setuid?.(found.uid)
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
