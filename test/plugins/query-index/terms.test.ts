import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { provenUsername } from '../../../plugins/authorize-publish/index.ts'
import { readTerms, termOfBytes, termOfText } from '../../../plugins/query-index/terms.ts'
import {
  authKinds,
  type ChainRecord,
  decodeRecord,
  encodeRecord,
  nobleCrypto,
  outcomes,
  recordKinds,
} from '../../../protocol/index.ts'
import { bytesOf, fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { goldenRecords } from '../../helpers/golden-chain.ts'

function termsOf(encoded: Uint8Array): string[] {
  const found = new Set<string>()
  readTerms(encoded, (field, term) => found.add(`${field} ${term}`))
  return [...found].sort()
}

/** The same, of the record as it is decoded. */
function expectedTerms(record: ChainRecord) {
  const { kind, topic, storedTopic, clientId, username, auth = 'none', thumbprint, outcome } = record
  const terms = new Set([`kind ${kind}`])
  for (const some of [topic, storedTopic]) if (some !== undefined) terms.add(`topic ${termOfText(some)}`)
  if (clientId !== undefined) terms.add(`clientId ${termOfText(clientId)}`)
  const name = provenUsername({ username, auth })
  if (name !== undefined) terms.add(`username ${termOfText(name)}`)
  if (thumbprint !== undefined) terms.add(`kid ${termOfBytes(thumbprint)}`)
  if (outcome !== undefined) terms.add(`outcome ${outcome}`)
  return [...terms].sort()
}

test('the terms of every kind of record are those of its decoded fields', () => {
  for (const [name, { record }] of Object.entries(goldenRecords(nobleCrypto))) {
    const encoded = encodeRecord(record)
    assert.deepEqual(termsOf(encoded), expectedTerms(decodeRecord(encoded)), name)
  }
})

test('whichever fields a record has, its terms are theirs, and a claimed username is none', () => {
  const words = <T extends string>(table: Readonly<Record<T, number>>) =>
    fc.constantFrom(...(Object.keys(table) as [T, ...T[]]))
  const fields = fc.record(
    {
      kind: words(recordKinds),
      topic: wellFormedText,
      clientId: wellFormedText,
      username: wellFormedText,
      auth: words(authKinds),
      outcome: words(outcomes),
      thumbprint: bytesOf(32),
      storedTopic: wellFormedText,
    },
    { requiredKeys: ['kind'], noNullPrototype: true },
  )
  const property = fc.property(fields, (some) => {
    const record = { timeMs: 1, ...some } as ChainRecord
    assert.deepEqual(termsOf(encodeRecord(record)), expectedTerms(record))
  })
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})

test('bytes that are no record are refused', () => {
  const encoded = encodeRecord({ kind: 'publish', timeMs: 1, topic: 'plant/1' })
  for (let length = 0; length < encoded.length; length++) {
    throwsCode(() => termsOf(encoded.subarray(0, length)), 'ERR_CBOR_TRUNCATED')
  }
  throwsCode(() => termsOf(Uint8Array.of(0x80)), 'ERR_CBOR_UNEXPECTED')
})
