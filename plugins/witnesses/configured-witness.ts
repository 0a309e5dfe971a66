import {
  type CryptoProvider,
  cosignatureVerifier,
  NoteError,
  type NoteVerifier,
  noteKeyType,
  parseVerifierKey,
} from '../../protocol/index.ts'

/** A witness as an operator names it. */
export interface ConfiguredWitness {
  /** For status, metrics and log; its key has a name of its own. */
  readonly name: string
  /** Verifier key (C2SP signed-note) of type 04, Ed25519 cosignatures. */
  readonly vkey: string
  /** Submission prefix (C2SP tlog-witness), http or https. Absent: it comes by itself, with `audit.cosign`. */
  readonly url?: string
}

/** One is read from every line of a status. */
const maxWitnesses = 32

/** @returns what is wrong with one of them; undefined when nothing is */
export function faultOfWitness({ name, vkey, url }: ConfiguredWitness, crypto: CryptoProvider): string | undefined {
  if (!/^[^\s\p{Cc}]{1,64}$/u.test(name)) return 'the name of a witness is one word of at most 64 characters'
  try {
    if (parseVerifierKey(vkey, crypto).type !== noteKeyType.cosignature) {
      return 'a witness has a verifier key of type 04, Ed25519 cosignatures'
    }
  } catch (error) {
    if (error instanceof NoteError) return error.message
    throw error
  }
  return url === undefined || isSubmissionPrefix(url)
    ? undefined
    : 'the URL of a witness is http:// or https://, no more than host, port and path'
}

/**
 * @param quorum how many of them must have cosigned
 * @returns what is wrong with all of them together
 */
export function faultOfWitnesses(witnesses: readonly ConfiguredWitness[], quorum: number): string | undefined {
  if (witnesses.length > maxWitnesses) return `at most ${maxWitnesses} witnesses`
  if (new Set(witnesses.map(({ name }) => name)).size < witnesses.length) return 'two witnesses have one name'
  // It would count as two. The key is what follows the second plus sign of the line; its name and id may differ.
  const keys = witnesses.map(({ vkey }) => vkey.split('+').slice(2).join('+'))
  if (new Set(keys).size < keys.length) return 'two witnesses have one key'
  if (!Number.isSafeInteger(quorum) || quorum < 0 || quorum > witnesses.length) {
    return `the quorum is an integer from 1 to the number of witnesses, ${witnesses.length}`
  }
  return quorum === 0 && witnesses.length > 0 ? 'a quorum of 0 says nothing' : undefined
}

/** @param witness without a fault */
export function verifierOfWitness({ vkey }: ConfiguredWitness, crypto: CryptoProvider): NoteVerifier {
  return cosignatureVerifier(parseVerifierKey(vkey, crypto), crypto)
}

function isSubmissionPrefix(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && `${username}${password}${search}${hash}` === ''
}
