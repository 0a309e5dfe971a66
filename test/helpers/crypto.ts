import { type CryptoProvider, nobleCrypto, toHex } from '../../protocol/index.ts'

/** Deterministic signatures, and "random" bytes that count 00 01 02 ...: for golden bytes only. */
export function countingCrypto(): CryptoProvider {
  let next = 0
  return Object.freeze({
    ...nobleCrypto,
    randomBytes: (length: number) => Uint8Array.from({ length }, () => next++ & 0xff),
  })
}

/** Remembers what was verified: what makes exhaustive tests over the same honest blocks affordable. */
export function cachingCrypto(inner: CryptoProvider): CryptoProvider {
  const verified = new Map<string, Promise<boolean>>()
  const points = new Map<string, boolean>()
  return Object.freeze({
    ...inner,
    verifyP256: (key, message, signature) =>
      remembered(verified, toHex(inner.sha256(key.x, key.y, signature, message)), () =>
        inner.verifyP256(key, message, signature),
      ),
    isOnCurveP256: (key) => remembered(points, toHex(key.x) + toHex(key.y), () => inner.isOnCurveP256(key)),
  } satisfies CryptoProvider)
}

function remembered<T>(results: Map<string, T>, id: string, compute: () => T): T {
  const known = results.get(id)
  if (known !== undefined) return known
  const result = compute()
  results.set(id, result)
  return result
}
