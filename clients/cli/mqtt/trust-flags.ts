import { isForRecipients } from '../../../protocol/index.ts'
import { type MessageCipher, preSharedKeyCipher, recipientsCipher } from '../../encryption/index.ts'
import { loadPreSharedKeys, loadPublicKey } from '../../identity/index.ts'
import { defaultKeyStoreDirectory, FileKeyStore } from '../../key-store/file-key-store.ts'
import type { KeyStore } from '../../key-store/key-store.ts'
import { encodePkcs8 } from '../../platform/pkcs8.ts'
import type { NotaryOptions } from '../../sdk/options.ts'
import { importWebCryptoKeys, type Signer, webCryptoSigner } from '../../sdk/signer.ts'
import { webCrypto } from '../../sdk/web-crypto.ts'
import { type Output, usageError } from '../command.ts'
import { brokerKeyHelp, brokerKeyOptions } from '../identity.ts'
import { keyringOf } from '../keyring-files.ts'
import { openIdentity, passphraseHelp, passphraseOptions } from '../passphrase.ts'
import { KnownBrokerStore } from './known-broker-store.ts'

/** Flags about who is trusted and who may read; what Mosquitto's clients have not. */
export const trustOptions = {
  identity: { type: 'string' },
  ...passphraseOptions,
  mac: { type: 'boolean' },
  detached: { type: 'boolean' },
  keys: { type: 'string', multiple: true },
  psk: { type: 'string' },
  'encrypt-for': { type: 'string', multiple: true },
  ...brokerKeyOptions,
} as const

export const signingHelp = `      --identity KEY.pem        sign with this private key; its sequence number is kept in KEY.pem.seq
${passphraseHelp}
      --mac                     agree on a session key with the broker first and put a hop MAC around the signature
      --detached                MQTT 5: the payload stays as it is, the signature goes into a user property
      --encrypt-for KEY         encrypt for the reader with this public key (PEM); repeatable
      --psk FILE                encrypt with the first pre-shared key of this file, lines ID:KEY (not TLS-PSK)
${brokerKeyHelp}`

export const readingHelp = `      --keys PATH               public keys whose signatures are believed: NAME.pem, or a directory of them; repeatable
      --verify-only             print only what one of them signed
      --identity KEY.pem        decrypt what was encrypted for this key
${passphraseHelp}
      --psk FILE                decrypt with the pre-shared keys of this file, lines ID:KEY (not TLS-PSK)`

export interface TrustFlags {
  readonly identity?: string | undefined
  readonly 'passphrase-file'?: string | undefined
  readonly mac?: boolean | undefined
  readonly detached?: boolean | undefined
  readonly keys?: readonly string[] | undefined
  /** Of the commands that read. */
  readonly 'verify-only'?: boolean | undefined
  readonly psk?: string | undefined
  readonly 'encrypt-for'?: readonly string[] | undefined
  readonly 'broker-key'?: string | undefined
  readonly 'known-brokers': string
}

/**
 * What the flags ask of the SDK.
 * @throws {ClientError} ERR_USAGE, ERR_IDENTITY_FILE, ERR_PASSPHRASE, ERR_PUBLIC_KEY, ERR_ENCRYPTION_KEYS, ERR_KEY_STORE
 */
export async function trustOf(
  flags: TrustFlags,
  output: Output,
): Promise<NotaryOptions & { readonly identity?: Signer }> {
  const { identity: path, mac, detached, keys, 'verify-only': verifiedOnly } = flags
  if ((mac || detached) && path === undefined) throw usageError('--mac and --detached need --identity')
  if (verifiedOnly && keys === undefined) throw usageError('--verify-only needs --keys')
  const signer = path === undefined ? undefined : await signerOf(path, flags, output)
  const files = path === undefined || signer === undefined ? [] : [{ path, thumbprint: signer.thumbprint }]
  // Files are touched when they are needed only.
  const openStore = () => new FileKeyStore(defaultKeyStoreDirectory, files)
  const keyStore = new KnownBrokerStore(openStore, flags['known-brokers'])
  const brokerKey = flags['broker-key']
  const encryption = cipherOf(flags, signer, keyStore)
  return {
    keyStore,
    ...(signer === undefined ? {} : { identity: signer }),
    ...(mac ? { mac } : {}),
    ...(detached ? { detached } : {}),
    ...(brokerKey === undefined ? {} : { pinnedBroker: loadPublicKey(brokerKey) }),
    ...(keys === undefined ? {} : { keyring: keyringOf(keys) }),
    ...(verifiedOnly ? { accept: 'verified' as const } : {}),
    ...(encryption === undefined ? {} : { encryption }),
  }
}

async function signerOf(path: string, flags: TrustFlags, output: Output): Promise<Signer> {
  const { key } = await openIdentity(path, flags, output)
  return webCryptoSigner(await importWebCryptoKeys(encodePkcs8(key), { x: key.x, y: key.y }), webCrypto)
}

function cipherOf(flags: TrustFlags, signer: Signer | undefined, memory: KeyStore): MessageCipher | undefined {
  const readers = flags['encrypt-for'] ?? []
  if (flags.psk === undefined && readers.length === 0 && signer === undefined) return undefined
  if (flags.psk !== undefined && readers.length > 0) throw usageError('--psk and --encrypt-for do not go together')
  const recipients = readers.map((path) => loadPublicKey(path))
  const forReaders = recipientsCipher({ recipients, own: signer, crypto: webCrypto })
  if (flags.psk === undefined) return forReaders
  const keys = loadPreSharedKeys(flags.psk)
  const shared = preSharedKeyCipher({ keys, topics: ['#'], memory, crypto: webCrypto })
  return {
    covers: () => true,
    seal: (topic, payload, sender) => shared.seal(topic, payload, sender),
    open: (...message) => (isForRecipients(message[1]) ? forReaders : shared).open(...message),
  }
}
