import { pbkdf2Sync, randomBytes } from 'node:crypto'

/** A line of a password file as Mosquitto 2.0 writes it: PBKDF2, 101 rounds, a salt of 12 bytes that is another each time. */
export function passwordLine(username: string, password: string): string {
  const salt = randomBytes(12)
  const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512')
  return `${username}:$7$101$${salt.toString('base64')}$${hash.toString('base64')}`
}
