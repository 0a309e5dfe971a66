import { type CryptoProvider, nobleCrypto, toHex } from '../../protocol/index.ts'

/** Deterministic signatures, and "random" bytes that count 00 01 02 ...: for golden bytes only. */
export function countingCrypto(): CryptoProvider {
  let next = 0
  return Object.freeze({
    ...nobleCrypto,
    randomBytes: (length: number) => Uint8Array.from({ length }, () => next++ & 0xff),
  })
}

/** Remembers verified signatures: what makes exhaustive tests over the same honest blocks affordable. */
export function cachingCrypto(inner: CryptoProvider): CryptoProvider {
  const verified = new Map<string, Promise<boolean>>()
  return Object.freeze({
    ...inner,
    verifyP256: (key, message, signature) => {
      const id = toHex(inner.sha256(key.x, key.y, signature, message))
      let result = verified.get(id)
      if (result === undefined) {
        result = inner.verifyP256(key, message, signature)
        verified.set(id, result)
      }
      return result
    },
  } satisfies CryptoProvider)
}
