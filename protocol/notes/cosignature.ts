import { concatBytes, utf8 } from '../bytes.ts'
import type { Ed25519PrivateKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { parseCheckpointText } from './checkpoint.ts'
import type { NoteSigner, NoteVerifier } from './signed-note.ts'
import { noteKeyType, type VerifierKey, verifierKey } from './verifier-key.ts'

const timeBytes = 8
const signatureBytes = 64

/**
 * A witness that cosigns checkpoints with Ed25519 (C2SP tlog-cosignature, `cosignature/v1`): it saw no larger tree of
 * the log by then, and this one consistent with all before. The key must sign nothing else: its name is not signed.
 * `sign` throws {@link NoteError} ERR_CHECKPOINT_MALFORMED for any other text.
 * @param timeSeconds since 1970
 */
export function cosigner(
  name: string,
  key: Ed25519PrivateKey,
  timeSeconds: number,
  crypto: CryptoProvider,
): NoteSigner {
  if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0) throw new RangeError('a time is a number of seconds')
  const time = new Uint8Array(timeBytes)
  new DataView(time.buffer).setBigUint64(0, BigInt(timeSeconds))
  return {
    key: verifierKey(name, noteKeyType.cosignature, key.publicKey, crypto),
    sign: (text) => {
      parseCheckpointText(text)
      return concatBytes(time, crypto.signEd25519(key, cosignedMessage(timeSeconds, text)))
    },
  }
}

/** Verifies cosignatures of one witness. Whether the time is too long ago is for the caller: {@link cosignatureTime}. */
export function cosignatureVerifier(key: VerifierKey, crypto: CryptoProvider): NoteVerifier {
  return {
    key,
    isValid: (text, signature) => {
      const timeSeconds = cosignatureTime(signature)
      if (timeSeconds === undefined) return false
      const message = cosignedMessage(timeSeconds, text)
      return crypto.verifyEd25519(key.publicKey, message, signature.subarray(timeBytes))
    },
  }
}

/** When a cosignature says that it was made, in seconds since 1970; undefined for what is none or beyond 2^53. */
export function cosignatureTime(signature: Uint8Array): number | undefined {
  if (signature.length !== timeBytes + signatureBytes) return undefined
  const seconds = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0))
  return Number.isSafeInteger(seconds) ? seconds : undefined
}

function cosignedMessage(timeSeconds: number, text: string): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeSeconds}\n${text}`)
}
