import { ClientError } from '../errors.ts'
import { IndexedDbKeyStore } from '../key-store/indexed-db-key-store.ts'
import { webCrypto } from '../sdk/web-crypto.ts'
import type { Platform } from './platform.ts'

/** Browsers: no files, and no sight of certificates, which the browser itself has checked. */
export const platform: Platform = Object.freeze<Platform>({
  defaultCrypto: webCrypto,
  defaultKeyStore: () => new IndexedDbKeyStore(),
  readIdentity: async () => {
    throw new ClientError('ERR_IDENTITY_FILE', 'a browser reads no files: give `identity` a Signer')
  },
  certificateSha256: () => undefined,
})
