import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Admission, admit } from '../../../plugins/authorize-publish/admission.ts'
import type { IncomingPublish, VerifiedPublish } from '../../../plugins/authorize-publish/publish.ts'
import {
  type KeyRegistry,
  type ProtectRule,
  PublishPolicy,
  planRevocation,
  RulesInForce,
} from '../../../plugins/index.ts'
import { decodeRecord, encodeRecord } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { admissionRules, incoming, registryOf, verifierFor } from '../../helpers/publishes.ts'
import { Signer } from '../../helpers/signing.ts'

const device = numberedKey(81)

/** A publish whose signature was verified, waiting for its index. */
async function verified(registry: KeyRegistry, changes: Partial<IncomingPublish> = {}): Promise<VerifiedPublish> {
  const verdict = await verifierFor(registry).verifier.verify(incoming(changes))
  assert.ok('outcome' in verdict)
  return verdict
}

const sign = (seq: number, text = 'x') => new Signer(device).sign('plant/1', text, { seq })
const given = await admissionRules()
const admitAt = (publish: VerifiedPublish, index: number) => admit(publish, index, 1_800_000_000_000, given)
const causeOf = (admission: Admission) => (admission.kind === 'refused' ? admission.cause : admission.kind)

test('a key that was revoked after the signature was verified is refused at the index', async () => {
  const registry = registryOf(device)
  const [early, late] = [await verified(registry, { payload: sign(1) }), await verified(registry, { payload: sign(2) })]
  assert.equal(causeOf(admitAt(early, 5)), 'record')
  const event = planRevocation(registry, device.thumbprint, 'stolen')
  registry.apply(event ?? assert.fail('no event'), 6)
  assert.equal(causeOf(admitAt(late, 7)), 'key-revoked')
})

test('a number that fell out of the window after the signature was verified is refused at the index', async () => {
  const registry = registryOf(device)
  const [late, high] = [
    await verified(registry, { payload: sign(1) }),
    await verified(registry, { payload: sign(1025) }),
  ]
  assert.equal(causeOf(admitAt(high, 5)), 'record')
  assert.equal(causeOf(admitAt(late, 6)), 'seq-too-old')
})

test('of two copies verified side by side the first is recorded and the second names its index', async () => {
  const registry = registryOf(device)
  const payload = sign(1)
  const [one, two] = [await verified(registry, { payload }), await verified(registry, { payload })]
  assert.equal(causeOf(admitAt(one, 5)), 'record')
  assert.deepEqual(admitAt(two, 6), { kind: 'duplicate', index: 5 })
})

test('other content under a number that is taken is refused, whichever was verified first', async () => {
  const registry = registryOf(device)
  const [one, two] = [
    await verified(registry, { payload: sign(1, 'open') }),
    await verified(registry, { payload: sign(1, 'shut') }),
  ]
  assert.equal(causeOf(admitAt(two, 5)), 'record')
  assert.deepEqual(admitAt(one, 6), { kind: 'reused', acceptedIndex: 5 })
})

test('a copy may ask for less than the first, not for more', async () => {
  const registry = registryOf(device)
  const payload = sign(1)
  const copy = async (qos: 0 | 1 | 2, retain: boolean) =>
    causeOf(admitAt(await verified(registry, { payload, qos, retain }), 9))
  assert.equal(await copy(1, false), 'record')
  assert.equal(await copy(0, false), 'duplicate')
  assert.equal(await copy(1, false), 'duplicate')
  assert.equal(await copy(2, false), 'replayed-with-other-flags')
  assert.equal(await copy(1, true), 'replayed-with-other-flags')
  assert.equal(await copy(0, true), 'replayed-with-other-flags')
})

test('a refused publish does not take its number', async () => {
  const registry = registryOf(device)
  const first = await verified(registry, { payload: sign(1, 'first') })
  assert.equal(causeOf(admitAt(first, 5)), 'record')
  const reuse = await verified(registry, { payload: sign(1, 'other') })
  assert.equal(causeOf(admitAt(reuse, 6)), 'reused')
  const window = registry.resolve(device.thumbprint)?.window
  assert.deepEqual([window?.highest, window?.find(1)?.index], [1, 5])
})

test('the record of a signed publish has the inner payload and what proves who signed it', async () => {
  const registry = registryOf(device)
  const payload = sign(42, '21.5')
  const publish = await verified(registry, { payload, qos: 2, retain: true })
  const admission = admitAt(publish, 5)
  assert.ok(admission.kind === 'record')
  const { record, body } = admission.record
  assert.equal(Buffer.from(body ?? []).toString(), '21.5')
  assert.deepEqual(
    [record.outcome, record.seq, record.qos, record.retain, record.payloadSize, record.timeMs],
    ['signed', 42, 2, true, 4, 1_800_000_000_000],
  )
  assert.deepEqual(Buffer.from(record.thumbprint ?? []), Buffer.from(device.thumbprint))
  assert.ok((record.envelope?.length ?? 0) < payload.length, 'the envelope is kept without its payload')
  assert.deepEqual(encodeRecord(decodeRecord(encodeRecord(record))), encodeRecord(record))
})

test('the record of an unsigned publish has the payload as it came, and no name that was not given', async () => {
  const admission = admitAt(await verified(registryOf(), { payload: Buffer.from('plain') }), 5)
  assert.ok(admission.kind === 'record')
  const { record, body } = admission.record
  assert.equal(Buffer.from(body ?? []).toString(), 'plain')
  assert.equal(record.outcome, 'unsigned')
  for (const absent of ['username', 'seq', 'thumbprint', 'envelope', 'properties']) {
    assert.equal(Object.hasOwn(record, absent), false, absent)
  }
})

test('a policy that came into force after the signature was verified is asked again at the index, word by word', async () => {
  const mac = { sid: new Uint8Array(8), tag: new Uint8Array(32), sessionThumbprint: device.thumbprint }
  const plain = Buffer.from('x')
  const cases: readonly [rule: Omit<ProtectRule, 'filter'>, changes: Partial<IncomingPublish>, expected: string][] = [
    [{ signed: true }, { payload: plain }, 'not-signed'],
    [{ signed: true }, {}, 'record'],
    [{ tls: true }, {}, 'tls-required'],
    [{ encrypted: true }, {}, 'not-encrypted'],
    [{ encrypted: true }, { payload: plain }, 'not-encrypted'],
    [{ mac: true }, {}, 'mac-required'],
    [{ keys: ['key *'] }, {}, 'record'],
    [{ keys: ['press-*'] }, {}, 'key-not-allowed'],
  ]
  for (const [rule, changes, expected] of cases) {
    assert.equal(causeUnder(rule, await fresh(changes)), expected, JSON.stringify(rule))
  }
  const maced = await fresh({})
  const withMac = { ...maced, signature: maced.signature && { ...maced.signature, mac } }
  assert.equal(causeUnder({ mac: true }, withMac), 'record')
})

/** A publish of the device with the number 1, in a registry of its own, verified while nothing was asked for. */
function fresh(changes: Partial<IncomingPublish>): Promise<VerifiedPublish> {
  return verified(registryOf(device), { payload: sign(1), ...changes })
}

/** What becomes of a publish where this rule came into force since it was verified. */
function causeUnder(rule: Omit<ProtectRule, 'filter'>, publish: VerifiedPublish): string {
  const rules = new RulesInForce(new PublishPolicy([]))
  rules.replace(new PublishPolicy([{ filter: 'plant/#', ...rule }]))
  return causeOf(admit(publish, 5, 1_800_000_000_000, { ...given, rules }))
}

test('a policy that is replaced by one that asks for less admits what was verified under the stricter one', async () => {
  const rules = new RulesInForce(new PublishPolicy([{ filter: 'plant/#', signed: true }]))
  const publish = await fresh({})
  rules.replace(new PublishPolicy([]))
  assert.equal(rules.version, 1)
  assert.equal(causeOf(admit(publish, 5, 1_800_000_000_000, { ...given, rules })), 'record')
})
