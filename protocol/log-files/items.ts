import { ProtocolError } from '../errors.ts'

/** Longest item of a bundle: its length has two bytes. */
const maxItemBytes = 0xffff

/**
 * Items one after the other, each with its length as 2 bytes big-endian before it: entry bundles of C2SP tlog-tiles, and
 * our bundles of headers.
 * @throws {RangeError} an item is longer than 65535 bytes
 */
export function encodeItems(items: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(items.reduce((sum, { length }) => sum + 2 + length, 0))
  let at = 0
  for (const item of items) {
    if (item.length > maxItemBytes) throw new RangeError(`an item of ${item.length} bytes does not fit a bundle`)
    bundle[at] = item.length >> 8
    bundle[at + 1] = item.length & 0xff
    bundle.set(item, at + 2)
    at += 2 + item.length
  }
  return bundle
}

/**
 * Exact inverse of {@link encodeItems}. Items are views into the bundle.
 * @throws {ProtocolError} ERR_LOG_FILE_MALFORMED: it ends inside of an item
 */
export function parseItems(bundle: Uint8Array): Uint8Array[] {
  const items: Uint8Array[] = []
  for (let at = 0; at < bundle.length; ) {
    const start = at + 2
    const end = start + (((bundle[at] as number) << 8) | (bundle[at + 1] ?? 0))
    if (end > bundle.length || start > bundle.length) {
      throw new ProtocolError('ERR_LOG_FILE_MALFORMED', `a bundle ends inside of item ${items.length}`)
    }
    items.push(bundle.subarray(start, end))
    at = end
  }
  return items
}
