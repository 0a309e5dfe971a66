import type { MqttClient } from 'mqtt'
import type { CryptoProvider } from '../../protocol/index.ts'
import type { KeyStore } from '../key-store/key-store.ts'
import type { Signer } from '../sdk/signer.ts'

/** The key of a file, and where the store keeps its sequence number. */
export interface IdentityInFile {
  readonly signer: Signer
  readonly path: string
}

/** What differs between Node and browsers; `#platform` is the one of the two that fits. */
export interface Platform {
  readonly defaultCrypto: CryptoProvider
  /** The store of clients that were given none. @throws {ClientError} ERR_KEY_STORE */
  readonly defaultKeyStore: (identity: IdentityInFile | undefined) => KeyStore
  /**
   * Reads a private key in PEM.
   * @param passphrase needed when it is encrypted
   * @throws {ClientError} ERR_IDENTITY_FILE, ERR_PASSPHRASE
   */
  readonly readIdentity: (path: string, passphrase: string | undefined) => Promise<IdentityInFile>
  /** SHA-256 of the server certificate (DER) of a connection; undefined without TLS, and where it cannot be seen. */
  readonly certificateSha256: (client: MqttClient) => Uint8Array | undefined
}
