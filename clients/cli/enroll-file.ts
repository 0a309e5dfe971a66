import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { EnrollParams } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { AdminClient } from './admin-client.ts'
import type { Output } from './command.ts'

/** What became of one line. */
type LineResult =
  | { readonly line: number; readonly name: string; readonly kid: string }
  | { readonly line: number; readonly error: string }

/** What became of a file. */
export interface FileResult {
  readonly enrolled: number
  readonly failed: number
}

const progressEveryLines = 500

/**
 * Enrols the keys of a file of JSON Lines, `{name, key, restrictions?}` each. A line that fails keeps no other from
 * being enrolled, and doing it again changes nothing.
 * @throws {ClientError} ERR_IDENTITY_FILE when the file cannot be read, ERR_CONNECTION, ERR_REFUSED, ERR_TIMEOUT
 */
export async function enrollFile(
  admin: AdminClient,
  path: string,
  asJson: boolean,
  output: Output,
): Promise<FileResult> {
  let [number, enrolled, failed] = [0, 0, 0]
  for await (const text of linesOf(path)) {
    number++
    if (text.trim().length === 0) continue
    const result = await enrollLine(admin, number, text)
    if ('kid' in result) enrolled++
    else failed++
    output.out(asJson ? JSON.stringify(result) : resultText(result))
    if (number % progressEveryLines === 0) output.error(`${number} lines: ${enrolled} enrolled, ${failed} failed`)
  }
  return { enrolled, failed }
}

async function* linesOf(path: string): AsyncIterable<string> {
  try {
    yield* createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause
    throw new ClientError('ERR_IDENTITY_FILE', `${path} cannot be read`, {}, cause)
  }
}

async function enrollLine(admin: AdminClient, line: number, text: string): Promise<LineResult> {
  const params = parseLine(text)
  if (typeof params === 'string') return { line, error: params }
  try {
    const { kid } = await admin.request('keys.enroll', params)
    return { line, name: params.name, kid }
  } catch (error) {
    if (!(error instanceof ClientError && error.code === 'ERR_ADMIN')) throw error
    return { line, error: error.message }
  }
}

/** The parameters of a line, or what is wrong with it. Key and restrictions are for the broker to judge. */
function parseLine(text: string): (EnrollParams & { readonly name: string }) | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object'
  const { name, key, restrictions, ...others } = value as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined) return `unknown member ${other}`
  if (typeof name !== 'string' || key === undefined) return 'name and key are needed'
  const params = restrictions === undefined ? { name, key } : { name, key, restrictions }
  return params as EnrollParams & { readonly name: string }
}

function resultText(result: LineResult): string {
  return 'kid' in result
    ? `line ${result.line}: enrolled ${result.kid} ${result.name}`
    : `line ${result.line}: ${result.error}`
}
