import { partOf } from './part-of.ts'

/**
 * `CryptoProvider.sha256Each` for a provider that gains nothing from having many at once.
 * @param sha256 of one message
 */
export function hashOneByOne(
  data: Uint8Array,
  starts: ArrayLike<number>,
  lengths: ArrayLike<number>,
  sha256: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const digests = new Uint8Array(lengths.length * 32)
  for (let i = 0; i < lengths.length; i++) {
    digests.set(sha256(partOf(data, starts[i] as number, lengths[i] as number)), i * 32)
  }
  return digests
}
