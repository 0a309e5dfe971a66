/**
 * `CryptoProvider.sha256Each` for a provider that gains nothing from having many at once.
 * @param sha256 of one message
 */
export function hashOneByOne(
  messages: Uint8Array,
  lengths: readonly number[],
  sha256: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const digests = new Uint8Array(lengths.length * 32)
  let at = 0
  for (const [i, length] of lengths.entries()) {
    digests.set(sha256(messages.subarray(at, at + length)), i * 32)
    at += length
  }
  return digests
}
