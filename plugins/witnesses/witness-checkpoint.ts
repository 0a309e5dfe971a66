import {
  type CryptoProvider,
  NoteError,
  type NoteVerifier,
  parseCheckpointText,
  parseSignedNote,
  toHex,
  verifiedSignatures,
} from '../../protocol/index.ts'
import type { CheckpointSource } from '../anchors/index.ts'
import { type ConfiguredWitness, verifierOfWitness } from './configured-witness.ts'
import { WitnessAttemptFailed } from './trouble.ts'
import { getFrom } from './witness-http.ts'

/** A start waits for a witness no longer. */
const timeoutMs = 5000
const notFound = 404

export interface WitnessCheckpointOptions {
  /** One that is asked, not one that comes by itself. */
  readonly witness: ConfiguredWitness & { readonly url: string }
  readonly crypto: CryptoProvider
  /** Told of a witness that could not be asked, or answered with what it did not cosign: the start goes on without it. */
  readonly onUnheard: (failure: WitnessAttemptFailed) => void
}

/**
 * What a witness cosigned last, `<prefix>/<SHA-256 of the origin>/checkpoint`, as something that a chain must extend. Only
 * what it cosigned counts: anybody on the way can keep its answers back, but nobody can make the start fail.
 */
export function checkpointOfWitness({ witness, crypto, onUnheard }: WitnessCheckpointOptions): CheckpointSource {
  const verifier = verifierOfWitness(witness, crypto)
  return {
    place: `the witness ${witness.name}`,
    read: async (logs) => {
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        for (const { origin } of logs) {
          const hash = toHex(crypto.sha256(Buffer.from(origin)))
          const { status, body } = await getFrom(witness.url, `${hash}/checkpoint`, signal)
          if (status === notFound) continue
          if (status !== 200) throw new WitnessAttemptFailed('unexpected-status')
          return { note: cosignedNote(body, origin, verifier) }
        }
      } catch (error) {
        if (!(error instanceof WitnessAttemptFailed)) throw error
        onUnheard(error)
      }
      return undefined
    },
  }
}

/** @param body attacker-controlled @throws {WitnessAttemptFailed} */
function cosignedNote(body: Uint8Array, origin: string, verifier: NoteVerifier): string {
  try {
    const { text, signatures } = parseSignedNote(body)
    if (parseCheckpointText(text).origin !== origin) throw new WitnessAttemptFailed('malformed-answer')
    if (verifiedSignatures(text, signatures, [verifier]).length === 0) throw new WitnessAttemptFailed('no-cosignature')
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    const isWrong = error.code === 'ERR_NOTE_SIGNATURE_INVALID'
    throw new WitnessAttemptFailed(isWrong ? 'wrong-signature' : 'malformed-answer', error)
  }
  return new TextDecoder().decode(body)
}
