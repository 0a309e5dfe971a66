/** A copy with one bit the other way round. */
export function flipAt(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

/** A copy with one bit of the part that it contains the other way round. @throws {RangeError} when it contains none */
export function flipIn(bytes: Uint8Array, part: string): Uint8Array {
  const at = Buffer.from(bytes).indexOf(part)
  if (at < 0) throw new RangeError('the part is not there')
  return flipAt(bytes, at)
}
