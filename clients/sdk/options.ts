import type { IClientOptions } from 'mqtt'
import {
  type CryptoProvider,
  NoteError,
  noteKeyType,
  type P256PublicKey,
  parseVerifierKey,
  type VerifierKey,
} from '../../protocol/index.ts'
import type { MessageCipher } from '../encryption/message-cipher.ts'
import { ClientError } from '../errors.ts'
import type { KeyStore } from '../key-store/key-store.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { type PublicKeyInput, readPublicKey } from '../keyring/public-key.ts'
import type { IdentityInFile, Platform } from '../platform/platform.ts'
import type { MakeCipher } from './encryption-context.ts'
import type { Signer } from './signer.ts'

/** What NotaryMQ adds to the options of MQTT.js. All of them may be left out. */
export interface NotaryOptions {
  /** Signs every publish: path of a private key in PEM (Node), or who signs. */
  identity?: string | Signer
  /** Opens the file that `identity` names, where it is encrypted. */
  passphrase?: string
  /** Puts a hop MAC around every signature, under a key agreed on with the broker. Needs `identity`. Default false. */
  mac?: boolean
  /** The payload stays as it is and the signature goes into a user property. Needs MQTT 5. Default false. */
  detached?: boolean
  /** Encrypts end to end what it covers; a function makes the cipher with what the client has. */
  encryption?: MessageCipher | MakeCipher
  /** Asks for a receipt of every publish of this client: event `receipt`. Default false. */
  receipts?: boolean
  /**
   * The broker proves that it has this key, at every connect, before anything is published: PEM, JWK, or `first-use` for the
   * one that it is first met with. Default: `first-use` where `mac`, `receipts` or `logVkey` need it, else no proof.
   */
  pinnedBroker?: PublicKeyInput
  /** Verifier key of the broker's log (`log.vkey`): checkpoints are held against it. */
  logVkey?: string
  /** Whose signatures are believed. */
  keyring?: Keyring
  /** `verified` drops what no key of the keyring signed: event `dropped`. Default `all`. */
  accept?: 'all' | 'verified'
  /** Default: files in `~/.notarymq/store` (Node) or IndexedDB (browsers). */
  keyStore?: KeyStore
}

/** Options of `connectAsync`: MQTT.js's, with MQTT 5 as the default version, and ours. */
export type NotaryClientOptions = IClientOptions & NotaryOptions

/** Options, checked and complete. */
export interface ResolvedOptions {
  readonly mqtt: IClientOptions
  readonly identity: Signer | undefined
  readonly mac: boolean
  readonly detached: boolean
  readonly encryption: MessageCipher | MakeCipher | undefined
  readonly receipts: boolean
  /** Undefined: no proof is asked for. */
  readonly pinned: { readonly key: P256PublicKey | undefined } | undefined
  readonly logKey: VerifierKey | undefined
  readonly keyring: Keyring | undefined
  readonly accept: 'all' | 'verified'
  readonly keyStore: KeyStore
}

/** @throws {ClientError} ERR_OPTIONS, ERR_PUBLIC_KEY, ERR_IDENTITY_FILE, ERR_PASSPHRASE, ERR_KEY_STORE */
export async function resolveOptions(options: NotaryClientOptions, platform: Platform): Promise<ResolvedOptions> {
  const { identity, passphrase, mac, detached, encryption, receipts, ...others } = options
  const { pinnedBroker, logVkey, keyring, accept, keyStore, ...rest } = others
  const mqtt = { protocolVersion: 5 as const, ...rest }
  if (passphrase !== undefined && typeof identity !== 'string') throw wrong('`passphrase` is that of a key file')
  if (mac && identity === undefined) throw wrong('`mac` needs an `identity`')
  if (detached && identity === undefined) throw wrong('`detached` needs an `identity`')
  if (detached && mqtt.protocolVersion !== 5) throw wrong('`detached` needs MQTT 5')
  if (accept === 'verified' && keyring === undefined) throw wrong("`accept: 'verified'` needs a `keyring`")
  const file = typeof identity === 'string' ? await platform.readIdentity(identity, passphrase) : undefined
  const crypto = platform.defaultCrypto
  const isProofNeeded = mac || receipts || logVkey !== undefined
  return Object.freeze<ResolvedOptions>({
    mqtt,
    identity: typeof identity === 'string' ? file?.signer : identity,
    mac: mac ?? false,
    detached: detached ?? false,
    encryption,
    receipts: receipts ?? false,
    pinned: pinOf(pinnedBroker ?? (isProofNeeded ? 'first-use' : undefined), crypto),
    logKey: logVkey === undefined ? undefined : logKeyOf(logVkey, crypto),
    keyring,
    accept: accept ?? 'all',
    keyStore: keyStore ?? laterKeyStore(platform, file),
  })
}

function pinOf(pinned: PublicKeyInput | undefined, crypto: CryptoProvider): ResolvedOptions['pinned'] {
  if (pinned === undefined) return undefined
  return { key: pinned === 'first-use' ? undefined : readPublicKey(pinned, crypto) }
}

function logKeyOf(text: string, crypto: CryptoProvider): VerifierKey {
  try {
    const key = parseVerifierKey(text, crypto)
    if (key.type === noteKeyType.ed25519) return key
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new ClientError('ERR_OPTIONS', '`logVkey` is not a verifier key', {}, cause)
  }
  throw wrong('`logVkey` is not the Ed25519 key of a log')
}

/** Made at first use: who neither signs nor pins anything leaves no trace. */
function laterKeyStore(platform: Platform, file: IdentityInFile | undefined): KeyStore {
  let store: KeyStore | undefined
  const opened = () => {
    store ??= platform.defaultKeyStore(file)
    return store
  }
  return {
    reserveSequenceNumbers: async (thumbprint, count) => opened().reserveSequenceNumbers(thumbprint, count),
    raiseSequenceNumber: async (thumbprint, atLeast) => opened().raiseSequenceNumber(thumbprint, atLeast),
    countEncryptions: async (name, count) => opened().countEncryptions(name, count),
    get: async (name) => opened().get(name),
    set: async (...args) => opened().set(...args),
  }
}

function wrong(message: string): ClientError {
  return new ClientError('ERR_OPTIONS', message)
}
