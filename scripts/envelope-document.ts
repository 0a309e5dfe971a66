import { toHex } from '../protocol/index.ts'
import { type ExampleValues, envelopeExample } from './envelope-example.ts'

const begin = '<!-- vectors: written by npm run docs:envelope -->'
const end = '<!-- end of vectors -->'
const digitsPerLine = 96

interface Section {
  readonly title: string
  readonly text: string
  /** Names of the values to show, or prefixes of them that end in a dot. */
  readonly values: readonly string[]
}

/** The vectors as the document presents them; each value of the example stands in one of these. */
const sections: readonly Section[] = [
  {
    title: 'Keys',
    text: 'Scalar and coordinates of each key pair, thumbprints of the long-term ones. Publisher and broker are keys "11" and "meriadoc.brandybuck@buckland.example" of the COSE working group\'s examples. The ephemeral keys are fixed here; real ones come from a generator, are used once and forgotten.',
    values: ['publisher.', 'broker.', 'client-ephemeral.', 'broker-ephemeral.'],
  },
  {
    title: 'A signed publish',
    text: 'Topic `plant/1/temp`, payload `21.5`, sequence number 1, time 1767225600000 (2026-01-01T00:00:00Z). The SHA-256 of what is signed is the content digest of the record.',
    values: ['publish.'],
  },
  {
    title: 'Attached',
    text: 'The MQTT payload without a hop MAC, then with one by the session 0102030405060708.',
    values: [
      'attached.sign1',
      'session.key',
      'attached.mac-protected',
      'attached.to-be-maced',
      'attached.tag',
      'attached.mac0',
    ],
  },
  {
    title: 'Detached',
    text: 'The MQTT payload is `21.5`. The user property `notarymq` has one of the two values that are not hexadecimal.',
    values: ['detached.'],
  },
  {
    title: 'Key exchange: the request',
    text: 'Client id `device/1`, sequence number 2, time 1767225601000, the nonce counts from 00, for the broker above.',
    values: ['request.', 'request'],
  },
  {
    title: 'Key exchange: the response',
    text: 'Expiry 1767312001000, broker time 1767225601500, highest sequence number 2, nonce and sid count from 40. Signed for the topic `$notary/key-exchange/response/device%2F1`.',
    values: ['response.', 'response'],
  },
  { title: 'Key exchange: the session', text: 'Both sides derive the same.', values: ['exchange.'] },
  {
    title: 'A publish in this session',
    text: 'Topic and payload as above, sequence number 3, time 1767225602000, attached.',
    values: ['in-session.mac0'],
  },
  {
    title: 'Secure link',
    text: 'The request as the first frame of a connection; then, with the session key, two frames in each direction, whose contents are `first` and `second`.',
    values: ['link.'],
  },
]

/** The document with its vectors as the code computes them; everything else in it stays. */
export async function withVectors(document: string): Promise<string> {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error('docs/envelope.md has lost the marks around its vectors')
  const example = await envelopeExample()
  const left = new Set(example.keys())
  const parts = sections.map((section) => rendered(section, example, left))
  if (left.size > 0) throw new Error(`not shown in any section: ${[...left].join(', ')}`)
  return `${document.slice(0, from)}${begin}\n\n${parts.join('\n\n')}\n\n${document.slice(to)}`
}

function rendered({ title, text, values }: Section, example: ExampleValues, left: Set<string>): string {
  const names = values.flatMap((name) =>
    name.endsWith('.') ? [...example.keys()].filter((key) => key.startsWith(name)) : [name],
  )
  const blocks = names.map((name) => {
    const value = example.get(name)
    if (value === undefined || !left.delete(name)) throw new Error(`${name} is no value, or shown already`)
    return typeof value === 'string' ? `\`\`\`text ${name}\n${value}\n\`\`\`` : hexBlock(name, value)
  })
  return [`### ${title}`, text, ...blocks].join('\n\n')
}

function hexBlock(name: string, value: Uint8Array): string {
  const digits = toHex(value)
  const lines = digits.match(new RegExp(`.{1,${digitsPerLine}}`, 'g')) ?? []
  return `\`\`\`hex ${name}\n${lines.join('\n')}\n\`\`\``
}
