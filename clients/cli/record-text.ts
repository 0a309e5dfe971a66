import type { RecordJson } from '../../protocol/index.ts'
import { fromBase64url, toHex } from '../../protocol/index.ts'
import { printable } from './printable.ts'

/** A record in one line. */
export function recordLine(record: RecordJson): string {
  const signer =
    record.subject === undefined ? '' : `  by ${record.subject}${record.seq === undefined ? '' : ` #${record.seq}`}`
  return printable(`${record.index}  ${record.time}  ${contentText(record)}${signer}`)
}

function contentText({ kind, erased, outcome, topic, size, clientId, action, occasion }: RecordJson): string {
  if (erased === 'record') return 'erased'
  if (kind !== 'publish') return [kind, action, occasion].filter((word) => word !== undefined).join(' ')
  return `${outcome}  ${topic}  ${size} bytes${erased === 'body' ? ', erased,' : ''}  from ${clientId}`
}

/** Columns that are bytes, and of no use to a reader but to check them. */
const byteColumns: readonly (keyof RecordJson)[] = ['envelope', 'record', 'salt', 'leaf']

/** A record with everything that is known of it, a line each. */
export function recordText(record: RecordJson): string {
  const lines = Object.entries(record).map(([name, value]) => [name, valueText(name as keyof RecordJson, value)])
  const width = Math.max(...lines.map(([name = '']) => name.length))
  return lines.map(([name = '', text]) => `${name.padEnd(width)}  ${text}`).join('\n')
}

function valueText(name: keyof RecordJson, value: unknown): string {
  if (name === 'payload') return payloadText(fromBase64url(value as string))
  if (byteColumns.includes(name)) return toHex(fromBase64url(value as string))
  return printable(typeof value === 'string' ? value : JSON.stringify(value))
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** As text where it is text, in hexadecimal otherwise. */
function payloadText(payload: Uint8Array): string {
  try {
    const text = strictUtf8.decode(payload)
    if (!/\p{C}/u.test(text)) return text
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  return `${toHex(payload)} (hexadecimal)`
}
