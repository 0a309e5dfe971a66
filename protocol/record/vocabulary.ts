/** Record kinds: integers on disk, words in JSON. */
export const recordKinds = {
  publish: 1,
  genesis: 2,
  key: 3,
  session: 4,
  config: 5,
  'seq-reuse': 6,
  erasure: 7,
  recovery: 8,
  damage: 9,
} as const
export type RecordKind = keyof typeof recordKinds

/** What was found out about a publish before it was accepted. */
export const outcomes = { unsigned: 1, signed: 2, 'unknown-key': 3, will: 4 } as const
export type Outcome = keyof typeof outcomes

/** How the publisher's name was proved; `none` means that client id and username are claims. */
export const authKinds = { none: 0, password: 1, certificate: 2, key: 3 } as const
export type AuthKind = keyof typeof authKinds

/** Keys of the MQTT 5 properties in a record: the property identifiers of [MQTT-5.0 2.2.2.2]. */
export const messagePropertyIds = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 2,
  contentType: 3,
  responseTopic: 8,
  correlationData: 9,
  userProperties: 38,
} as const

/** The word that an integer stands for, or undefined. */
export function wordOf<Word extends string>(table: Readonly<Record<Word, number>>, value: number): Word | undefined {
  for (const word in table) if (table[word] === value) return word
  return undefined
}
