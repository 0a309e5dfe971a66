import { certificateSha256 } from '../identity/certificate.ts'
import { loadIdentity } from '../identity/private-key-file.ts'
import { defaultKeyStoreDirectory, FileKeyStore } from '../key-store/file-key-store.ts'
import { importWebCryptoKeys, webCryptoSigner } from '../sdk/signer.ts'
import { webCrypto } from '../sdk/web-crypto.ts'
import { encodePkcs8 } from './pkcs8.ts'
import type { Platform } from './platform.ts'

/** Node: keys in PEM files, the store in `~/.notarymq/store`. */
export const platform: Platform = Object.freeze<Platform>({
  defaultCrypto: webCrypto,
  defaultKeyStore: (identity) => {
    const keys = identity === undefined ? [] : [{ path: identity.path, thumbprint: identity.signer.thumbprint }]
    return new FileKeyStore(defaultKeyStoreDirectory, keys)
  },
  readIdentity: async (path, passphrase) => {
    const { key } = loadIdentity(path, passphrase)
    const keys = await importWebCryptoKeys(encodePkcs8(key), { x: key.x, y: key.y })
    return { signer: webCryptoSigner(keys, webCrypto), path }
  },
  certificateSha256,
})
