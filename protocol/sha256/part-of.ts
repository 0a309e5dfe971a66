/** A view of one message. @throws {RangeError} when it goes beyond the data */
export function partOf(data: Uint8Array, start: number, length: number): Uint8Array {
  if (start + length > data.length) throw new RangeError('a message goes beyond the data')
  return data.subarray(start, start + length)
}
