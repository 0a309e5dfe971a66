import { toHex } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { cosignatureVerifier } from './cosignature.ts'
import { NoteError } from './errors.ts'
import { checkedText, parseDecimal, type TextInput } from './note-text.ts'
import { ed25519NoteVerifier, type NoteVerifier } from './signed-note.ts'
import { noteKeyType, parseVerifierKey, type VerifierKey } from './verifier-key.ts'
import type { PolicyGroup, PolicyLog, PolicyWitness, WitnessPolicy } from './witness-policy.ts'

/** How to verify by a key; undefined for a type that cannot be. */
export type VerifierFactory = (key: VerifierKey, crypto: CryptoProvider) => NoteVerifier | undefined

/** Ed25519, as a log signs and as a witness cosigns. ML-DSA-44 plugs in instead, where there is an implementation. */
export function noteVerifierOf(key: VerifierKey, crypto: CryptoProvider): NoteVerifier | undefined {
  if (key.type === noteKeyType.ed25519) return ed25519NoteVerifier(key, crypto)
  if (key.type === noteKeyType.cosignature) return cosignatureVerifier(key, crypto)
  return undefined
}

/** The name that stands for no cosignatures; nothing else may have it. */
const noQuorum = 'none'

/** Reads line after line; each defines a name that only later ones may use. */
class PolicyParser {
  readonly #crypto: CryptoProvider
  readonly #verifierOf: VerifierFactory
  readonly #logs: PolicyLog[] = []
  readonly #witnesses: PolicyWitness[] = []
  readonly #groups: PolicyGroup[] = []
  readonly #names = new Set<string>()
  readonly #members = new Set<string>()
  readonly #keys = { log: new Set<string>(), witness: new Set<string>() }
  #quorum: { readonly name: string | undefined } | undefined

  constructor(crypto: CryptoProvider, verifierOf: VerifierFactory) {
    this.#crypto = crypto
    this.#verifierOf = verifierOf
  }

  /** @param words of one line: a keyword and what follows it */
  read([keyword, ...words]: readonly string[], line: number): void {
    if (keyword === 'log') this.#log(words, line)
    else if (keyword === 'witness') this.#witness(words, line)
    else if (keyword === 'group') this.#group(words, line)
    else if (keyword === 'quorum') this.#setQuorum(words, line)
    else throw invalid(line, 'begins with none of log, witness, group and quorum')
  }

  policy(lines: number): WitnessPolicy {
    if (this.#quorum === undefined) throw invalid(lines, 'the policy ends without a quorum')
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum.name }
  }

  #log([vkey, url, ...rest]: readonly string[], line: number): void {
    if (vkey === undefined || rest.length > 0) throw invalid(line, 'expected: log <vkey> [<url>]')
    const key = this.#key(vkey, 'log', line)
    const verifier = key.type === noteKeyType.ed25519 ? this.#verifierOf(key, this.#crypto) : undefined
    if (verifier === undefined) throw invalid(line, `a log key of type ${key.type} cannot be verified`)
    this.#logs.push(url === undefined ? { verifier } : { verifier, url })
  }

  #witness([name, vkey, url, ...rest]: readonly string[], line: number): void {
    if (name === undefined || vkey === undefined || rest.length > 0) {
      throw invalid(line, 'expected: witness <name> <vkey> [<url>]')
    }
    this.#define(name, line)
    const key = this.#key(vkey, 'witness', line)
    if (key.type !== noteKeyType.cosignature && key.type !== noteKeyType.mlDsa44Cosignature) {
      throw invalid(line, `a key of type ${key.type} makes no cosignatures`)
    }
    const witness = { name, key, verifier: this.#verifierOf(key, this.#crypto) }
    this.#witnesses.push(url === undefined ? witness : { ...witness, url })
  }

  #group([name, threshold, ...members]: readonly string[], line: number): void {
    if (name === undefined || threshold === undefined || members.length === 0) {
      throw invalid(line, 'expected: group <name> <all, any or a number> <name>...')
    }
    for (const member of members) this.#join(member, line)
    this.#define(name, line)
    this.#groups.push({ name, threshold: thresholdOf(threshold, members.length, line), members })
  }

  #setQuorum([name, ...rest]: readonly string[], line: number): void {
    if (name === undefined || rest.length > 0) throw invalid(line, 'expected: quorum <name>')
    if (this.#quorum !== undefined) throw invalid(line, 'a second quorum')
    if (name !== noQuorum && !this.#names.has(name)) throw invalid(line, 'the quorum is not defined before')
    this.#quorum = { name: name === noQuorum ? undefined : name }
  }

  #define(name: string, line: number): void {
    if (name === noQuorum || this.#names.has(name)) throw invalid(line, 'the name is taken')
    this.#names.add(name)
  }

  /** Nothing belongs to two groups, so that no witness counts twice. */
  #join(member: string, line: number): void {
    if (!this.#names.has(member)) throw invalid(line, 'a member is not defined before')
    if (this.#members.has(member)) throw invalid(line, 'a member belongs to a group already')
    this.#members.add(member)
  }

  /** One key under two names would count as two. */
  #key(vkey: string, role: 'log' | 'witness', line: number): VerifierKey {
    const key = parsedKey(vkey, line, this.#crypto)
    const hex = toHex(key.publicKey)
    if (this.#keys[role].has(hex)) throw invalid(line, `a second ${role} of the same key`)
    this.#keys[role].add(hex)
    return key
  }
}

/**
 * Reads a policy: lines of words between spaces and tabs, `#` lines are comments. Stricter than C2SP in one point: what
 * is not ASCII must be UTF-8.
 * @throws {NoteError} ERR_WITNESS_POLICY_INVALID, with the number of the line in `details.line` where it is one line
 */
export function parseWitnessPolicy(
  input: TextInput,
  crypto: CryptoProvider,
  verifierOf: VerifierFactory = noteVerifierOf,
): WitnessPolicy {
  const text = checkedText(input, '\t')
  if (text === undefined) throw new NoteError('ERR_WITNESS_POLICY_INVALID', 'not text, or too large')
  const lines = text.split('\n')
  const parser = new PolicyParser(crypto, verifierOf)
  for (const [i, line] of lines.entries()) {
    if (line.includes('\u007f')) throw invalid(i + 1, 'a control character')
    const words = line.split(/[ \t]+/).filter((word) => word !== '')
    if (words[0] !== undefined && !words[0].startsWith('#')) parser.read(words, i + 1)
  }
  return parser.policy(lines.length)
}

function thresholdOf(text: string, members: number, line: number): number {
  if (text === 'any') return 1
  if (text === 'all') return members
  const threshold = parseDecimal(text)
  if (threshold === undefined || threshold < 1n || threshold > BigInt(members)) {
    throw invalid(line, `the threshold is not from 1 to ${members}`)
  }
  return Number(threshold)
}

function parsedKey(vkey: string, line: number, crypto: CryptoProvider): VerifierKey {
  try {
    return parseVerifierKey(vkey, crypto)
  } catch (error) {
    if (error instanceof NoteError) throw invalid(line, error.message, error)
    throw error
  }
}

function invalid(line: number, why: string, cause?: NoteError): NoteError {
  return new NoteError('ERR_WITNESS_POLICY_INVALID', `line ${line}: ${why}`, { line }, cause)
}
