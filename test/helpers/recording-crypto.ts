import type { CryptoProvider } from '../../protocol/index.ts'

/** Remembers every secret that goes through it: keys, shared secrets, private keys, and what is derived. */
export function recordingCrypto(inner: CryptoProvider): CryptoProvider & { readonly secrets: readonly Uint8Array[] } {
  const secrets: Uint8Array[] = []
  const remembered = (secret: Uint8Array) => {
    secrets.push(secret.slice())
    return secret
  }
  return {
    ...inner,
    secrets,
    generateP256: () => {
      const pair = inner.generateP256()
      remembered(pair.d)
      return pair
    },
    ecdhP256: (own, peer) => remembered(inner.ecdhP256(own, peer)),
    hkdfSha256: (ikm, salt, info, length) => remembered(inner.hkdfSha256(ikm, salt, info, length)),
    sealAesGcm: (key, iv, aad, plaintext) => inner.sealAesGcm(remembered(key), iv, aad, plaintext),
    wrapAesKey: (kek, key) => inner.wrapAesKey(kek, remembered(key)),
  }
}
