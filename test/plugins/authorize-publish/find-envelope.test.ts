import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findEnvelope } from '../../../plugins/authorize-publish/find-envelope.ts'
import { detachedProperty, detachedValueOf, encodeSign1, parseSign1 } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { incoming } from '../../helpers/publishes.ts'
import { Signer } from '../../helpers/signing.ts'

const sign1 = new Signer(numberedKey(81)).sign('plant/1', '21.5')
const value = detachedValueOf(encodeSign1(parseSign1(sign1), undefined))
const detached = [detachedProperty, value] as const
const unit = ['unit', 'C'] as const

/** The carrier of what is found, or why nothing is. */
function found(payload: Uint8Array | string, ...userProperties: readonly (readonly [string, string])[]) {
  const envelope = findEnvelope(incoming({ payload: Buffer.from(payload as string), userProperties }))
  return typeof envelope === 'object' ? envelope.carrier : envelope
}

test('an envelope is found in the payload where there is no property of its name', () => {
  assert.equal(found(sign1), 'attached')
  assert.equal(found(sign1, unit, ['NotaryMQ', value], ['notarymq-', value]), 'attached')
  assert.equal(found('21.5', unit), undefined)
  assert.equal(found(''), undefined)
})

test('a property of its name wins over the payload, which is not even parsed then', () => {
  assert.equal(found('21.5', unit, detached, unit), 'detached')
  const both = findEnvelope(incoming({ payload: Buffer.from(sign1), userProperties: [detached] }))
  assert.ok(typeof both === 'object' && both.carrier === 'detached')
  assert.deepEqual(Buffer.from(both.payload), Buffer.from(sign1), 'the envelope is what was signed, as a payload')
})

test('several properties of its name, or one that is no envelope, are malformed, whatever the payload is', () => {
  for (const payload of ['21.5', sign1]) {
    assert.equal(found(payload, detached, detached), 'malformed')
    assert.equal(found(payload, detached, unit, [detachedProperty, '']), 'malformed')
    for (const wrong of ['', value.slice(1), `${value}=`, ` ${value}`, detachedValueOf(sign1)]) {
      assert.equal(found(payload, [detachedProperty, wrong]), 'malformed', wrong)
    }
  }
})
