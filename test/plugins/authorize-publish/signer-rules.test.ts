import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noTopicPolicy, type TopicPolicy } from '../../../plugins/authorize-publish/policy.ts'
import type { IncomingPublish, Publisher } from '../../../plugins/authorize-publish/publish.ts'
import { hasFormOf, signerRefusal, timeRefusal } from '../../../plugins/authorize-publish/signer-rules.ts'
import { nativeCrypto, planEnrolment, planRevocation } from '../../../plugins/index.ts'
import { KeyRegistry, type KeyRestrictions, parseAttachedEnvelope } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { incoming } from '../../helpers/publishes.ts'
import { Signer } from '../../helpers/signing.ts'

const key = numberedKey(81)

/** A registry with the key `press-1`, enrolled at index 1. */
function registered(restrictions: KeyRestrictions = {}) {
  const registry = new KeyRegistry(nativeCrypto)
  const event = planEnrolment(registry, { key, name: 'press-1', restrictions }, nativeCrypto)
  assert.ok(registry.apply(event ?? assert.fail('no event'), 1))
  return { registry, signer: registry.resolve(key.thumbprint) ?? assert.fail('no key') }
}

const publisher = (changes: Partial<Publisher>): Publisher => ({ ...incoming().publisher, ...changes })

interface Asked {
  readonly restrictions?: KeyRestrictions
  readonly publish?: Partial<IncomingPublish>
  readonly policy?: Partial<TopicPolicy>
  readonly alg?: number
}

function refusal({ restrictions, publish, policy, alg }: Asked) {
  const signed = new Signer(key).sign('plant/1', 'x', alg === undefined ? {} : { alg })
  return signerRefusal({
    publish: incoming(publish),
    envelope: parseAttachedEnvelope(signed) ?? assert.fail('no envelope'),
    signer: registered(restrictions).signer,
    policy: { ...noTopicPolicy, ...policy },
    index: 5,
  })
}

test('a key that was revoked signs nothing at the indexes above', () => {
  const { registry, signer } = registered()
  const event = planRevocation(registry, key.thumbprint, undefined)
  registry.apply(event ?? assert.fail('no event'), 5)
  const envelope = parseAttachedEnvelope(new Signer(key).sign('plant/1', 'x')) ?? assert.fail('no envelope')
  const question = { publish: incoming(), envelope, signer, policy: noTopicPolicy, index: 6 }
  assert.equal(signerRefusal(question), 'key-revoked')
  assert.equal(signerRefusal({ ...question, signer: registered().signer }), undefined)
})

test('what a key may sign is asked of the client, of its proven name, of the topic that was signed, and of its name', () => {
  const cases: readonly [what: string, asked: Asked, expected: string | undefined][] = [
    ['nothing is restricted', {}, undefined],
    ['another algorithm', { alg: -35 }, 'algorithm-not-allowed'],
    ['the older name of the algorithm', { alg: -7 }, undefined],
    ['its client', { restrictions: { clients: ['dev*'] } }, undefined],
    ['another client', { restrictions: { clients: ['press-*'] } }, 'key-restricted'],
    ['no username', { restrictions: { users: ['*'] } }, 'key-restricted'],
    [
      'a claimed username',
      { restrictions: { users: ['ann'] }, publish: { publisher: publisher({ username: 'ann' }) } },
      'key-restricted',
    ],
    [
      'a proven username',
      { restrictions: { users: ['ann'] }, publish: { publisher: publisher({ username: 'ann', auth: 'password' }) } },
      undefined,
    ],
    ['its topic', { restrictions: { topics: ['plant/+'] } }, undefined],
    ['another topic', { restrictions: { topics: ['hall/#'] } }, 'key-restricted'],
    [
      'a bridge: the topic over there counts',
      { restrictions: { topics: ['cloud/#'] }, publish: { signedTopic: 'cloud/1' } },
      undefined,
    ],
    [
      'a bridge: the topic here does not',
      { restrictions: { topics: ['plant/#'] }, publish: { signedTopic: 'cloud/1' } },
      'key-restricted',
    ],
    ['a policy that names it', { policy: { keys: ['press-*', '*-1'] } }, undefined],
    ['a policy of which one pattern does not', { policy: { keys: ['press-*', '*-2'] } }, 'key-not-allowed'],
  ]
  for (const [what, asked, expected] of cases) assert.equal(refusal(asked), expected, what)
})

test('the signed time: how far ahead it may be, how old where the policy says it, and nothing without a clock', () => {
  const nowMs = 1_800_000_000_000
  const skewMs = 300_000
  const at = (offsetMs: number, freshSeconds?: number, hasClock = true) =>
    timeRefusal({ timeMs: nowMs + offsetMs }, { hasClock }, { ...noTopicPolicy, freshSeconds }, nowMs, skewMs)
  assert.equal(at(skewMs), undefined)
  assert.equal(at(skewMs + 1), 'signed-in-future')
  assert.equal(at(-nowMs), undefined)
  assert.equal(at(-30_000, 30), undefined)
  assert.equal(at(-30_001, 30), 'not-fresh')
  assert.equal(at(skewMs + 1, 30), 'signed-in-future')
  assert.equal(at(skewMs + 1, undefined, false), undefined)
  assert.equal(at(0, 30, false), 'not-fresh')
})

test('only an empty retained payload needs no form where encryption is asked for', () => {
  const policy = { ...noTopicPolicy, encrypted: true }
  const [empty, text] = [new Uint8Array(0), Buffer.from('x')]
  assert.equal(hasFormOf(policy, empty, true), true)
  assert.equal(hasFormOf(policy, empty, false), false)
  assert.equal(hasFormOf(policy, text, true), false)
  assert.equal(hasFormOf(noTopicPolicy, text, false), true)
})
