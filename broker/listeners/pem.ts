/** What stands between the lines of a PEM file (RFC 7468), in order. */
export interface PemBlock {
  /** e.g. `CERTIFICATE`. */
  readonly label: string
  /** With its lines. */
  readonly text: string
  readonly der: Buffer
}

const pattern = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----/g

/** Blocks with a header inside, such as encrypted keys of old, are left out. */
export function pemBlocksOf(text: string): PemBlock[] {
  return [...text.matchAll(pattern)].map(([block, label = '', base64 = '']) => ({
    label,
    text: block,
    der: Buffer.from(base64, 'base64'),
  }))
}
