import { createPasswordHash, type PasswordDerivation, ThreadedDerivation } from './derivation.ts'
import { AuthenticationError } from './errors.ts'
import { linesOf, readPasswordFileBytes, splitPasswordLine } from './password-file.ts'
import { formatPasswordHash, isHashed, type PasswordHashKind } from './password-hash.ts'
import { replacePasswordFile } from './replace-password-file.ts'

/** How new hashes are made. */
export interface NewHash {
  readonly kind: PasswordHashKind
  /** Of `sha512-pbkdf2`. Default 100,000. */
  readonly iterations?: number | undefined
}

/** What to do to a password file. `create` starts with an empty one, whatever was there. */
export type PasswordFileChange =
  | { readonly kind: 'set' | 'create'; readonly username: string; readonly password: string; readonly hash: NewHash }
  | { readonly kind: 'delete'; readonly username: string }
  | { readonly kind: 'convert'; readonly hash: NewHash }

export interface PasswordFileChanged {
  /** Users whose lines are other than before; with 0 the file was left alone. */
  readonly changed: number
  /** What whoever asked for it should know. */
  readonly notes: readonly string[]
}

/**
 * Changes a password file: set a user's password, delete a user, or hash the passwords in plain text. Every other line,
 * comments included, stays byte for byte where it is. The new file takes the old one's place as a whole.
 * @throws {AuthenticationError} ERR_PASSWORD_FILE, ERR_PASSWORD_INVALID, ERR_USERNAME_INVALID
 */
export async function changePasswordFile(path: string, change: PasswordFileChange): Promise<PasswordFileChanged> {
  if (change.kind !== 'convert') assertUsername(change.username)
  const before = change.kind === 'create' ? new Uint8Array() : readPasswordFileBytes(path)
  const derivation = new ThreadedDerivation()
  try {
    const { lines, changed } = await changedLines([...linesOf(before)], change, derivation)
    if (changed === 0) return { changed, notes: [] }
    const content = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
    return { changed, notes: await replacePasswordFile(path, content) }
  } finally {
    await derivation.close()
  }
}

type Line = readonly [number: number, line: Uint8Array]
interface Changed {
  readonly lines: readonly Uint8Array[]
  readonly changed: number
}

async function changedLines(
  before: readonly Line[],
  change: PasswordFileChange,
  derivation: PasswordDerivation,
): Promise<Changed> {
  const lineFor = async (username: string, password: string, { kind, iterations }: NewHash) => {
    const hash = await createPasswordHash(Buffer.from(password), kind, derivation, iterations)
    return Buffer.from(`${username}:${formatPasswordHash(hash)}`)
  }
  if (change.kind === 'convert') {
    let changed = 0
    const lines = await Promise.all(
      before.map(async ([, line]) => {
        const parts = splitPasswordLine(line)
        // Mosquitto's tool hashes hashes too, which locks out everybody who had one.
        if (parts.kind !== 'user' || isHashed(parts.secret)) return line
        changed++
        return lineFor(parts.username, parts.secret, change.hash)
      }),
    )
    return { lines, changed }
  }
  const isTheirs = ([, line]: Line) => {
    const parts = splitPasswordLine(line)
    return parts.kind === 'user' && parts.username === change.username
  }
  const others = (lines: readonly Line[]) => lines.filter((line) => !isTheirs(line)).map(([, line]) => line)
  if (change.kind === 'delete') {
    const lines = others(before)
    return { lines, changed: lines.length < before.length ? 1 : 0 }
  }
  // In the place of the user's first line; of several lines the last would count, so the others go.
  const first = before.findIndex(isTheirs)
  const place = first < 0 ? before.length : first
  const line = await lineFor(change.username, change.password, change.hash)
  return { lines: [...others(before.slice(0, place)), line, ...others(before.slice(place))], changed: 1 }
}

/** Names that would not read back as themselves, or that no client can send, with what is said of them. */
const wrongNames: readonly (readonly [isWrong: (name: string) => boolean, problem: string])[] = [
  [(name) => name === '', 'is empty'],
  [(name) => Buffer.byteLength(name) > 65_535, 'is longer than 65535 bytes'],
  [(name) => name.includes(':'), 'holds a colon'],
  [(name) => /\p{Cc}|\p{Cs}/u.test(name), 'holds control characters'],
  [(name) => name.startsWith('#'), 'starts with #, which would make its line a comment'],
  [(name) => name.startsWith(' ') || name.endsWith(' '), 'starts or ends with a space, which would be dropped'],
]

/** @throws {AuthenticationError} ERR_USERNAME_INVALID */
function assertUsername(username: string): void {
  const [, problem] = wrongNames.find(([isWrong]) => isWrong(username)) ?? []
  if (problem !== undefined) throw new AuthenticationError('ERR_USERNAME_INVALID', `the user name ${problem}`)
}
