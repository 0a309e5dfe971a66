import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openWitnessServer } from '../../broker/http/witness-server.ts'
import {
  nativeCrypto,
  openWitnessIdentity,
  Witness,
  type WitnessEvent,
  type WitnessOptions,
  WitnessState,
} from '../../plugins/index.ts'
import {
  cosignatureVerifier,
  type NoteVerifier,
  openCheckpoint,
  parseSignatureLines,
  parseSignedNote,
  parseVerifierKey,
  type VerifiedSignature,
  verifiedSignatures,
} from '../../protocol/index.ts'
import { cliArguments } from './broker.ts'
import { atEnd } from './cleanup.ts'
import { TestProcess } from './processes.ts'
import { temporaryDirectory } from './temporary.ts'

export interface TestWitness {
  readonly witness: Witness
  readonly events: WitnessEvent[]
  readonly vkey: string
  readonly verifier: NoteVerifier
  readonly directory: string
  /** The cosignatures of an answer, verified. @throws when a line is not one of this witness for this checkpoint */
  verified(answer: string, checkpoint: string): readonly VerifiedSignature[]
}

export interface TestWitnessOptions extends Partial<Pick<WitnessOptions, 'now' | 'state'>> {
  readonly directory?: string
  readonly name?: string
}

/** A witness in this process, closed when the test ends. */
export async function startWitness(
  t: TestContext,
  logs: readonly NoteVerifier[],
  { directory = temporaryDirectory(t), name = 'example.com/witness', ...rest }: TestWitnessOptions = {},
): Promise<TestWitness> {
  const state = await WitnessState.open(join(directory, 'db'))
  atEnd(t, () => state.close())
  const identity = await openWitnessIdentity(join(directory, 'witness.pem'), name, state)
  const events: WitnessEvent[] = []
  const onEvent = (event: WitnessEvent) => events.push(event)
  const witness = new Witness({ identity, state, logs, crypto: nativeCrypto, now: Date.now, onEvent, ...rest })
  atEnd(t, () => witness.close())
  const verifier = verifierOf(identity.vkey)
  const verified = (answer: string, checkpoint: string) => cosignaturesOf(answer, checkpoint, verifier)
  return { witness, events, vkey: identity.vkey, verifier, directory, verified }
}

/** The cosignatures of an answer, verified. @throws when a line is none by this witness for this checkpoint */
export function cosignaturesOf(
  answer: string,
  checkpoint: string,
  verifier: NoteVerifier,
): readonly VerifiedSignature[] {
  const lines = parseSignatureLines(answer)
  const found = verifiedSignatures(parseSignedNote(checkpoint).text, lines, [verifier])
  if (found.length !== lines.length) throw new Error('a line that is not by this witness')
  return found
}

/** The witness over HTTP, on a free loopback port, closed when the test ends. @returns its URL */
export async function serveWitness(
  t: TestContext,
  { witness }: TestWitness,
  onError: (error: unknown) => void = (error) => {
    throw error
  },
): Promise<string> {
  const server = await openWitnessServer({ port: 0, witness, onError })
  atEnd(t, () => server.close())
  return server.url
}

/** A checkpoint that its log signed and this witness cosigned. @throws when not */
export function openCosigned(note: string, log: NoteVerifier, witness: NoteVerifier) {
  const opened = openCheckpoint(note, [log], [witness])
  if (!opened.verified.some(({ key }) => key === witness.key)) throw new Error('the witness did not cosign it')
  return opened.checkpoint
}

/** What verifies the cosignatures by a verifier key. */
export function verifierOf(vkey: string): NoteVerifier {
  return cosignatureVerifier(parseVerifierKey(vkey, nativeCrypto), nativeCrypto)
}

export interface SpawnedWitness {
  readonly process: TestProcess
  readonly url: string
  readonly vkey: string
  post(body: string): Promise<{ readonly status: number; readonly body: string }>
}

/** The real witness in a process of its own, on a free loopback port, that keeps everything in one directory. */
export async function spawnWitness(
  t: TestContext,
  directory: string,
  logVkeys: readonly string[],
  more: readonly string[] = [],
): Promise<SpawnedWitness> {
  const files = ['--key', join(directory, 'witness.pem'), '--db', join(directory, 'db')]
  const logs = logVkeys.flatMap((vkey) => ['--log', vkey])
  const process = new TestProcess(t, globalThis.process.execPath, [
    ...cliArguments,
    ...['witness', '-p', '0', ...files, ...logs, ...more],
  ])
  const listening = await process.line(/^witness listening on /)
  const vkey = (await process.line(/^witness vkey /)).slice('witness vkey '.length)
  const url = listening.slice('witness listening on '.length)
  const post = async (body: string) => {
    const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body })
    return { status: response.status, body: await response.text() }
  }
  return { process, url, vkey, post }
}
