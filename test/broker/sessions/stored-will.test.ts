import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeStoredWill, encodeStoredWill, type StoredWill } from '../../../broker/sessions/stored-will.ts'
import { authKinds, CborWriter } from '../../../protocol/index.ts'
import { fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { codeOf } from '../../helpers/codes.ts'
import { messageProperties } from '../../helpers/message-properties.ts'

const storedWill: fc.Arbitrary<StoredWill> = fc.record(
  {
    number: fc.nat(),
    will: fc.record(
      {
        topic: wellFormedText,
        payload: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
        qos: fc.constantFrom(0, 1, 2),
        retain: fc.boolean(),
        properties: messageProperties,
        delayIntervalSeconds: fc.nat(0xffff_ffff),
      },
      { noNullPrototype: true },
    ),
    publisher: fc
      .record(
        {
          clientId: wellFormedText,
          username: fc.option(wellFormedText, { nil: undefined }),
          auth: fc.constantFrom(...(Object.keys(authKinds) as (keyof typeof authKinds)[])),
          listener: fc.oneof(wellFormedText, fc.constantFrom('mqtt://h:1', 'mqtts://h:1', 'ws://h:1', 'wss://h:1')),
        },
        { noNullPrototype: true },
      )
      .map((publisher) => ({ ...publisher, isTls: /^(mqtts|wss):\/\//.test(publisher.listener) })),
    dueAtMs: fc.option(fc.maxSafeNat(), { nil: undefined }),
  },
  { noNullPrototype: true },
)

test('a will read back is the one that was written, of whoever it was', () => {
  const property = fc.property(storedWill, (will) => {
    assert.deepEqual(decodeStoredWill(encodeStoredWill(will), will.number), will)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 300 })
})

const example: StoredWill = {
  number: 1,
  will: {
    topic: 'a',
    payload: Buffer.from('gone'),
    qos: 1,
    retain: true,
    properties: { contentType: 'text/plain', userProperties: [['__proto__', 'x']] },
    delayIntervalSeconds: 5,
  },
  publisher: { clientId: 'c', username: undefined, auth: 'none', listener: 'mqtt://127.0.0.1:1883', isTls: false },
  dueAtMs: undefined,
}

test('no byte of a stored will can be cut off, and none be added', () => {
  const encoded = encodeStoredWill(example)
  for (let length = 0; length < encoded.length; length++) {
    assert.match(codeOf(() => decodeStoredWill(encoded.subarray(0, length), 1)) ?? '', /^ERR_CBOR_/, `${length} bytes`)
  }
  assert.match(codeOf(() => decodeStoredWill(Buffer.concat([encoded, Buffer.alloc(1)]), 1)) ?? '', /^ERR_CBOR_/)
})

test('a will that another version wrote, or of an authentication that is not known, is not guessed at', () => {
  const other = (version: number, auth: number) => {
    const writer = new CborWriter(64).array(12).int(version).nil().int(0).text('a').bytes(Buffer.alloc(0))
    return writer.int(0).bool(false).map(0).text('c').nil().int(auth).text('l').finish()
  }
  assert.equal(decodeStoredWill(other(1, 0), 0).publisher.auth, 'none')
  assert.throws(() => decodeStoredWill(other(2, 0), 0), RangeError)
  assert.throws(() => decodeStoredWill(other(1, 99), 0), RangeError)
})
