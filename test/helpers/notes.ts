import { ed25519 } from '@noble/curves/ed25519.js'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  cosignatureVerifier,
  cosigner,
  type Ed25519PrivateKey,
  ed25519NoteSigner,
  ed25519NoteVerifier,
  encodeVerifierKey,
  type NoteSigner,
  type NoteVerifier,
} from '../../protocol/index.ts'

/** An Ed25519 key per small number. They protect nothing. */
export function ed25519Key(n: number): Ed25519PrivateKey {
  const seed = new Uint8Array(32).fill(n)
  return { seed, publicKey: ed25519.getPublicKey(seed) }
}

/** A signer with the verifier of its signatures. */
export interface TestNoteKey {
  readonly signer: NoteSigner
  readonly verifier: NoteVerifier
  /** Its verifier key as a line. */
  readonly vkey: string
}

/** The key of a log, numbered as in {@link ed25519Key}. */
export function logKey(origin: string, n: number): TestNoteKey {
  const signer = ed25519NoteSigner(origin, ed25519Key(n), nativeCrypto)
  return { signer, verifier: ed25519NoteVerifier(signer.key, nativeCrypto), vkey: encodeVerifierKey(signer.key) }
}

/** The key of a witness, numbered as in {@link ed25519Key}. */
export function witnessKey(name: string, n: number, timeSeconds = 1_767_225_600): TestNoteKey {
  const signer = cosigner(name, ed25519Key(n), timeSeconds, nativeCrypto)
  return { signer, verifier: cosignatureVerifier(signer.key, nativeCrypto), vkey: encodeVerifierKey(signer.key) }
}
