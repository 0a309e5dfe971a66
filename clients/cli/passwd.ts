import type { Readable } from 'node:stream'
import { ClientError } from '../errors.ts'
import { type Command, exitCode, integerOption, type Output, parseArguments } from './command.ts'
import { askNewPassword } from './password-prompt.ts'

const hashKinds = ['sha512-pbkdf2', 'sha512', 'argon2id'] as const

interface NewHash {
  readonly kind: (typeof hashKinds)[number]
  readonly iterations?: number | undefined
}

/** `changePasswordFile` of the authentication plugin, which clients do not import: whoever makes the command brings it. */
export type ChangePasswordFile = (
  path: string,
  change:
    | { readonly kind: 'set' | 'create'; readonly username: string; readonly password: string; readonly hash: NewHash }
    | { readonly kind: 'delete'; readonly username: string }
    | { readonly kind: 'convert'; readonly hash: NewHash },
) => Promise<{ readonly changed: number; readonly notes: readonly string[] }>

/** Where a password comes from when it is not on the command line. */
export interface PasswordSource {
  readonly input: Readable
  /** Shows a prompt, without a line end. */
  readonly write: (text: string) => void
}

const standardSource = (): PasswordSource => ({
  input: process.stdin,
  // Not standard output, which may go into a file.
  write: (text) => process.stderr.write(text),
})

const help = `Usage: notarymq passwd [-c] [-H KIND] [-I N] FILE USER              add a user, or set the password
       notarymq passwd [-c] [-H KIND] [-I N] -b FILE USER PASSWORD  the same in a script
       notarymq passwd -D FILE USER                                 delete a user
       notarymq passwd -U [-H KIND] [-I N] FILE                     hash the passwords in plain text

Edits a password file of NotaryMQ or Mosquitto, with the options of mosquitto_passwd. Without -b the password is asked
for twice, and not shown; from a pipe it is read as one line, or two equal ones. All other lines, comments included,
stay as they are. The file is replaced as a whole, with mode 0600; a running broker reads it anew at SIGHUP.

  -b              the password is the last argument, where everybody who lists processes sees it
  -c              start with an empty file, whatever was there
  -D              delete the user; exit code 1 when there is none
  -H KIND         sha512-pbkdf2 (the default), sha512 (Mosquitto 1.6), argon2id (Mosquitto 2.1 only)
  -I N            iterations of sha512-pbkdf2, 100000 when not given
  -U              hash every password in plain text; hashes stay as they are

Options come before FILE; what follows it is taken as it is.`

/** @param source where the password is read from without `-b`; standard input when not given */
export function passwdCommand(changePasswordFile: ChangePasswordFile, source = standardSource): Command {
  return {
    name: 'passwd',
    help,
    run: async (args, output) => {
      const { values, positionals } = parseLeading(args)
      const { 'batch-mode': isBatch = false, create = false, delete: isDelete = false, update = false } = values
      if ([create, isDelete, update].filter(Boolean).length > 1) throw usage('-c, -D and -U exclude each other')
      if (isBatch && (isDelete || update)) throw usage('-b needs a password to set')
      const hash = newHash(values.hash, values.iterations)

      if (update) {
        const [path] = words(positionals, 'FILE')
        const { changed, notes } = await changePasswordFile(path, { kind: 'convert', hash })
        output.out(`${changed} ${changed === 1 ? 'password' : 'passwords'} hashed`)
        return ended(notes, output)
      }
      if (isDelete) {
        const [path, username] = words(positionals, 'FILE', 'USER')
        const { changed, notes } = await changePasswordFile(path, { kind: 'delete', username })
        if (changed > 0) return ended(notes, output)
        output.error(`notarymq passwd: ${path} has no such user`)
        return exitCode.no
      }
      const kind = create ? 'create' : 'set'
      if (isBatch) {
        const [path, username, password] = words(positionals, 'FILE', 'USER', 'PASSWORD')
        return ended((await changePasswordFile(path, { kind, username, password, hash })).notes, output)
      }
      const [path, username] = words(positionals, 'FILE', 'USER')
      const { input, write } = source()
      const password = await askNewPassword(input, write)
      return ended((await changePasswordFile(path, { kind, username, password, hash })).notes, output)
    },
  }
}

const options = {
  'batch-mode': { type: 'boolean', short: 'b' },
  create: { type: 'boolean', short: 'c' },
  delete: { type: 'boolean', short: 'D' },
  update: { type: 'boolean', short: 'U' },
  hash: { type: 'string', short: 'H' },
  iterations: { type: 'string', short: 'I' },
} as const

/** As in Mosquitto's tool the first word without a dash ends the options: a password may start with one. */
function parseLeading(args: readonly string[]) {
  let end = 0
  while (end < args.length && args[end]?.startsWith('-') === true && args[end] !== '--') {
    end += ['-H', '--hash', '-I', '--iterations'].includes(args[end] as string) ? 2 : 1
  }
  const rest = args[end] === '--' ? args.slice(end + 1) : args.slice(end)
  return parseArguments([...args.slice(0, end), '--', ...rest], options)
}

function newHash(kindName = hashKinds[0] as string, iterationsText?: string): NewHash {
  const kind = hashKinds.find((one) => one === kindName)
  if (kind === undefined) throw usage(`-H is one of ${hashKinds.join(', ')}`)
  if (kind !== 'sha512-pbkdf2' && iterationsText !== undefined) throw usage(`-I is for sha512-pbkdf2, not ${kind}`)
  return { kind, iterations: integerOption('-I', iterationsText, 1, 10_000_000) }
}

/** The words that have to be there, no more and no fewer. What they say is never part of a message: one is a password. */
function words<const Names extends readonly string[]>(given: readonly string[], ...names: Names) {
  if (given.length !== names.length) throw usage(`${names.join(' ')} are needed, and nothing else`)
  return given as { readonly [I in keyof Names]: string }
}

function ended(notes: readonly string[], output: Output): number {
  for (const note of notes) output.error(`notarymq passwd: ${note}`)
  return exitCode.ok
}

const usage = (message: string) => new ClientError('ERR_USAGE', message)
