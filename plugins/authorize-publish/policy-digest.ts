import { type CborValue, encodeCbor } from '../../protocol/index.ts'
import { combineRules } from './policy.ts'
import type { ProtectRule } from './policy-rule.ts'

const word = { signed: 1, mac: 2, encrypted: 3, tls: 4, freshSeconds: 5, keys: 6 } as const

/**
 * The effective policy as bytes, for the digest in `config` records: CBOR `{filter: {word: value}}`. Rules with the same
 * filter are one; their order, and saying something twice or implying it, make no difference. No words: `none`.
 */
export function policyDigestInput(rules: readonly ProtectRule[]): Uint8Array {
  const byFilter = new Map<string, ProtectRule[]>()
  for (const rule of rules) {
    const others = byFilter.get(rule.filter)
    if (others === undefined) byFilter.set(rule.filter, [rule])
    else others.push(rule)
  }
  return encodeCbor(new Map([...byFilter].map(([filter, same]) => [filter, wordsOf(same)])))
}

function wordsOf(rules: readonly ProtectRule[]): ReadonlyMap<number, CborValue> {
  const { freshSeconds, keys, ...flags } = combineRules(rules)
  const words = new Map<number, CborValue>()
  for (const name of ['signed', 'mac', 'encrypted', 'tls'] as const) if (flags[name]) words.set(word[name], true)
  if (freshSeconds !== undefined) words.set(word.freshSeconds, freshSeconds)
  if (keys.length > 0) words.set(word.keys, keys)
  return words
}
