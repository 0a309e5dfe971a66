/** Longest PEM text that is read: keys of 8192 bits need 5 KiB, and OpenSSL puts as much text before them when asked. */
export const maxPemBytes = 32 * 1024

const lineLength = 64

/**
 * The one block of a PEM text (RFC 7468) with this label; text around it is allowed, as OpenSSL writes it.
 * @throws {RangeError} when there is none, more than one, or its base64 is not strict
 */
export function readPem(text: string, label: string): Uint8Array {
  if (text.length > maxPemBytes) throw new RangeError('too long for PEM')
  const [, afterBegin, ...moreBegins] = text.split(`-----BEGIN ${label}-----`)
  const [block, afterEnd, ...moreEnds] = (afterBegin ?? '').split(`-----END ${label}-----`)
  if (block === undefined || afterEnd === undefined || moreBegins.length + moreEnds.length > 0) {
    throw new RangeError(`not one PEM block "${label}"`)
  }
  const base64 = block.replace(/[\r\n]/g, '')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw new RangeError('a PEM block is not base64')
  return bytes
}

export function writePem(bytes: Uint8Array, label: string): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
