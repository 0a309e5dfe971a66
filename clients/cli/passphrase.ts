import { readFileSync } from 'node:fs'
import { parsePassphrase } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { type Identity, isEncryptedKeyFile, isOpenToOthers, loadIdentity } from '../identity/index.ts'
import type { Output } from './command.ts'
import { askNewPassword, askPassphrase } from './password-prompt.ts'

/** Flag of every command that opens a private key. */
export const passphraseOptions = { 'passphrase-file': { type: 'string' } } as const

export const passphraseHelp = `      --passphrase-file FILE    its one line opens the private key, when that is encrypted; else
                                NOTARYMQ_PASSPHRASE does, or it is asked for at the terminal`

export interface PassphraseFlags {
  readonly 'passphrase-file'?: string | undefined
}

/** Whom to ask at the terminal. */
const terminal = { input: process.stdin, write: (text: string) => process.stderr.write(text) }

/**
 * The passphrase that file or environment give; undefined when neither does.
 * @throws {ClientError} ERR_PASSPHRASE
 */
function givenPassphrase({ 'passphrase-file': path }: PassphraseFlags): string | undefined {
  if (path === undefined) {
    const text = process.env.NOTARYMQ_PASSPHRASE
    return text === '' ? undefined : text
  }
  let content: Uint8Array
  try {
    content = readFileSync(path)
  } catch (cause) {
    throw new ClientError('ERR_PASSPHRASE', `${path} cannot be read`, {}, cause)
  }
  const passphrase = parsePassphrase(content)
  if (passphrase === undefined) {
    throw new ClientError('ERR_PASSPHRASE', `${path} is not one line of text with at most 1024 bytes`)
  }
  return passphrase
}

/**
 * The passphrase that a key file needs; undefined when it needs none.
 * @throws {ClientError} ERR_PASSPHRASE, ERR_IDENTITY_FILE, ERR_USAGE when the question is cut off
 */
export async function passphraseFor(
  keyFile: string,
  flags: PassphraseFlags,
  output: Output,
): Promise<string | undefined> {
  if (!isEncryptedKeyFile(keyFile)) {
    if (isOpenToOthers(keyFile)) output.error(`warning: ${keyFile} can be read by others; run "chmod 600 ${keyFile}"`)
    return undefined
  }
  const given = givenPassphrase(flags)
  if (given !== undefined || !terminal.input.isTTY) return given
  return askPassphrase(terminal.input, terminal.write, `Passphrase of ${keyFile}: `)
}

/** Reads a private key, opening it as the flags say. @throws {ClientError} ERR_IDENTITY_FILE, ERR_PASSPHRASE, ERR_USAGE */
export async function openIdentity(path: string, flags: PassphraseFlags, output: Output): Promise<Identity> {
  return loadIdentity(path, await passphraseFor(path, flags, output))
}

/**
 * The passphrase for a key that is about to be written: given, or asked for twice.
 * @throws {ClientError} ERR_PASSPHRASE, ERR_USAGE
 */
export async function newPassphrase(flags: PassphraseFlags): Promise<string> {
  return givenPassphrase(flags) ?? (await askNewPassword(terminal.input, terminal.write))
}
