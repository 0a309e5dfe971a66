import { bytesEqual, concatBytes, utf8 } from '../bytes.ts'
import type { Ed25519PrivateKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { NoteError } from './errors.ts'
import { checkedText, fromBase64, type TextInput, toBase64 } from './note-text.ts'
import { isKeyName, isKeyOf, keyIdBytes, noteKeyType, type VerifierKey, verifierKey } from './verifier-key.ts'

/** Most signatures of one note; C2SP demands that 16 be accepted. */
export const maxNoteSignatures = 64

/** One signature line: who claims to have signed, and with what. */
export interface NoteSignature {
  readonly name: string
  /** 4 bytes. */
  readonly keyId: Uint8Array
  /** In the form of the key's type. */
  readonly signature: Uint8Array
}

/** A signed note as it was read: nothing in it is verified. */
export interface SignedNote {
  /** What is signed, with its last LF. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** How signatures by one key are checked. Other types than those that are built in plug in here. */
export interface NoteVerifier {
  readonly key: VerifierKey
  isValid(text: string, signature: Uint8Array): boolean
}

/** How one key signs. */
export interface NoteSigner {
  readonly key: VerifierKey
  sign(text: string): Uint8Array
}

/** A signature that was verified, with the key that it is by. */
export interface VerifiedSignature extends NoteSignature {
  readonly key: VerifierKey
}

/** A note that at least one trusted key signed. */
export interface OpenedNote extends SignedNote {
  readonly verified: readonly VerifiedSignature[]
}

/** Plain signatures over the text, type 01 (C2SP signed-note, "Ed25519 signatures"). */
export function ed25519NoteVerifier(key: VerifierKey, crypto: CryptoProvider): NoteVerifier {
  return { key, isValid: (text, signature) => crypto.verifyEd25519(key.publicKey, utf8(text), signature) }
}

/** @param name of the key; for a log its origin */
export function ed25519NoteSigner(name: string, key: Ed25519PrivateKey, crypto: CryptoProvider): NoteSigner {
  return {
    key: verifierKey(name, noteKeyType.ed25519, key.publicKey, crypto),
    sign: (text) => crypto.signEd25519(key, utf8(text)),
  }
}

/**
 * Reads a signed note without verifying anything.
 * @throws {NoteError} ERR_NOTE_MALFORMED
 */
export function parseSignedNote(input: TextInput): SignedNote {
  const note = checkedText(input)
  if (note === undefined) throw malformed('not text, or too large')
  // The text may hold empty lines itself: the last one separates.
  const separator = note.lastIndexOf('\n\n')
  if (separator === -1) throw malformed('no empty line')
  return { text: note.slice(0, separator + 1), signatures: parseSignatureLines(note.slice(separator + 2)) }
}

/**
 * Reads signature lines, at least one: the end of a note, or what a witness answers.
 * @throws {NoteError} ERR_NOTE_MALFORMED
 */
export function parseSignatureLines(lines: string): NoteSignature[] {
  if (!lines.endsWith('\n')) throw malformed('does not end in a signature line')
  const split = lines.slice(0, -1).split('\n', maxNoteSignatures + 1)
  if (split.length > maxNoteSignatures) throw malformed(`more than ${maxNoteSignatures} signatures`)
  return split.map(parseSignatureLine)
}

function parseSignatureLine(line: string): NoteSignature {
  const [, name = '', base64 = ''] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? []
  const blob = fromBase64(base64)
  if (!isKeyName(name) || blob === undefined || blob.length <= keyIdBytes) throw malformed('a signature line')
  return { name, keyId: blob.slice(0, keyIdBytes), signature: blob.slice(keyIdBytes) }
}

/** Signature lines, each with its LF. */
export function encodeSignatureLines(signatures: readonly NoteSignature[]): string {
  return signatures
    .map(({ name, keyId, signature }) => `\u2014 ${name} ${toBase64(concatBytes(keyId, signature))}\n`)
    .join('')
}

/** Exact inverse of {@link parseSignedNote}. */
export function encodeSignedNote({ text, signatures }: SignedNote): string {
  return `${text}\n${encodeSignatureLines(signatures)}`
}

/** What one key adds to a note. @param text with its last LF */
export function signatureBy(signer: NoteSigner, text: string): NoteSignature {
  return { name: signer.key.name, keyId: signer.key.keyId, signature: signer.sign(text) }
}

/**
 * Signs a note.
 * @param text ends in LF
 * @throws {RangeError} for a text that no note can have
 */
export function signNote(text: string, signers: readonly [NoteSigner, ...NoteSigner[]]): string {
  if (checkedText(text) === undefined || !text.endsWith('\n')) throw new RangeError('not the text of a note')
  return encodeSignedNote({ text, signatures: signers.map((signer) => signatureBy(signer, text)) })
}

/**
 * Verifies every signature by a known key. Signatures of unknown keys are ignored, also where name or id alone is that
 * of a known one.
 * @throws {NoteError} ERR_NOTE_MALFORMED; ERR_NOTE_SIGNATURE_INVALID when a known key did not sign this text;
 *   ERR_NOTE_UNTRUSTED when none did; ERR_NOTE_KEY_INVALID when two of the verifiers cannot be told apart
 */
export function openNote(input: TextInput, verifiers: readonly NoteVerifier[]): OpenedNote {
  checkDistinct(verifiers)
  const note = parseSignedNote(input)
  const verified = verifiedSignatures(note.text, note.signatures, verifiers)
  if (verified.length === 0) throw new NoteError('ERR_NOTE_UNTRUSTED', 'no trusted key signed the note')
  return { ...note, verified }
}

/**
 * The signatures that are by known keys, each verified.
 * @throws {NoteError} ERR_NOTE_SIGNATURE_INVALID
 */
export function verifiedSignatures(
  text: string,
  signatures: readonly NoteSignature[],
  verifiers: readonly NoteVerifier[],
): VerifiedSignature[] {
  return signatures.flatMap((signature) => {
    const verifier = verifiers.find(({ key }) => isKeyOf(key, signature))
    if (verifier === undefined) return []
    if (!verifier.isValid(text, signature.signature)) {
      throw new NoteError('ERR_NOTE_SIGNATURE_INVALID', 'a trusted key did not sign this', { name: signature.name })
    }
    return [{ ...signature, key: verifier.key }]
  })
}

/** A key id has 4 bytes, so that two keys of one name and id can be made; whose signature a line is, is then unclear. */
function checkDistinct(verifiers: readonly NoteVerifier[]): void {
  for (const [i, { key }] of verifiers.entries()) {
    const first = verifiers.findIndex((other) => isKeyOf(other.key, key))
    const isAnother = first < i && !bytesEqual((verifiers[first] as NoteVerifier).key.publicKey, key.publicKey)
    if (isAnother) throw new NoteError('ERR_NOTE_KEY_INVALID', 'two keys of one name and id', { name: key.name })
  }
}

function malformed(what: string): NoteError {
  return new NoteError('ERR_NOTE_MALFORMED', `not a signed note: ${what}`)
}
