import type { Readable } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { ClientError } from '../errors.ts'

/** Twice the longest password, and line ends. */
const maxInputBytes = 2 * 65_535 + 4

/**
 * Asks for a new password. On a terminal twice, showing nothing of it; from a pipe one line, or two that must be equal,
 * as what scripts feed to mosquitto_passwd.
 * @param write shows a prompt, without a line end
 * @throws {ClientError} ERR_USAGE when the two differ, there is none, or the question is cut off
 */
export async function askNewPassword(input: Readable | ReadStream, write: (text: string) => void): Promise<string> {
  const prompts = ['Password: ', 'Reenter password: ']
  const [password, again] = isTerminal(input) ? await ask(input, write, prompts) : await readLines(input)
  if (password === undefined || password === '') throw new ClientError('ERR_USAGE', 'the password is empty')
  if (password !== (again ?? password)) throw new ClientError('ERR_USAGE', 'the two passwords differ')
  return password
}

/**
 * Asks for a passphrase that exists, at a terminal, showing nothing of it.
 * @throws {ClientError} ERR_USAGE when the question is cut off
 */
export async function askPassphrase(
  terminal: ReadStream,
  write: (text: string) => void,
  prompt: string,
): Promise<string> {
  const [passphrase = ''] = await ask(terminal, write, [prompt])
  return passphrase
}

function isTerminal(input: Readable | ReadStream): input is ReadStream {
  return 'isTTY' in input && input.isTTY
}

async function readLines(input: Readable): Promise<readonly (string | undefined)[]> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    length += bytes.length
    if (length > maxInputBytes)
      throw new ClientError('ERR_USAGE', `standard input is longer than ${maxInputBytes} bytes`)
    chunks.push(bytes)
  }
  const lines = Buffer.concat(chunks).toString('utf8').split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  if (lines.length > 2) throw new ClientError('ERR_USAGE', 'standard input has more than two lines')
  return lines
}

/** In raw mode nothing is echoed, and the keys that the terminal would have handled are ours to handle. */
async function ask(
  terminal: ReadStream,
  write: (text: string) => void,
  prompts: readonly string[],
): Promise<readonly string[]> {
  const answers: string[] = []
  terminal.setRawMode(true)
  terminal.setEncoding('utf8')
  try {
    write(prompts[0] ?? '')
    let typed = ''
    for await (const chunk of terminal) {
      for (const key of String(chunk)) {
        if (key === '\u0003' || key === '\u0004') throw new ClientError('ERR_USAGE', 'no password was given')
        if (key === '\u007f' || key === '\b') typed = [...typed].slice(0, -1).join('')
        else if (key === '\u0015') typed = ''
        else if (key !== '\r' && key !== '\n') typed += key
        else {
          answers.push(typed)
          typed = ''
          write('\n')
          const prompt = prompts[answers.length]
          if (prompt === undefined) return answers
          write(prompt)
        }
      }
      if (Buffer.byteLength(typed) > maxInputBytes) throw new ClientError('ERR_USAGE', 'the password is too long')
    }
    throw new ClientError('ERR_USAGE', 'no password was given')
  } finally {
    terminal.setRawMode(false)
  }
}
