import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileFormat } from '../../../../clients/cli/mqtt/format.ts'
import type { ShownMessage } from '../../../../clients/cli/mqtt/shown-message.ts'

const message: ShownMessage = {
  topic: 'plant/press-7',
  payload: Buffer.from('{"t":21.5}'),
  qos: 1,
  retain: true,
  packetId: 7,
  properties: { contentType: 'json', userProperties: { a: ['1', '2'] }, messageExpiryInterval: 60 },
  receivedAt: new Date('2026-11-21T10:11:12.345Z'),
  encrypted: false,
}
const signed: ShownMessage = {
  ...message,
  verified: {
    kid: 'k'.repeat(43),
    subject: 'press-7',
    seq: 42,
    time: new Date('2026-11-21T10:11:11Z'),
    repeated: false,
    late: false,
    missing: 0,
  },
}

const written = (format: string, shown = message) => compileFormat(format)(shown)?.toString()

test('the new letters say who signed what, and whether it verified', () => {
  assert.equal(written('%v %s %n %T %e %K', signed), `verified press-7 42 2026-11-21T10:11:11.000Z 0 ${'k'.repeat(43)}`)
  assert.equal(written('%v|%s|%n|%T|%e|%K'), 'unsigned||||0|')
  assert.equal(written('%v', { ...message, unverified: 'signature-invalid' }), 'signature-invalid')
  assert.equal(written('%v %e', { ...signed, encrypted: true, undecrypted: 'no-key' }), 'no-key 1')
  const repeated = { ...signed, verified: { ...signed.verified, repeated: true } } as ShownMessage
  assert.equal(written('%v', repeated), 'repeated')
})

test('widths pad, maxima cut, on the side that the flags say', () => {
  assert.equal(written('[%15t][%-15t][%.5t][%3.5t]'), '[  plant/press-7][plant/press-7  ][plant][plant]')
  assert.equal(written('[%05m][%-05m][%5l][%04E]'), '[00007][7    ][   10][0060]')
  assert.equal(written('[%12p][%-12p]'), '[  {"t":21.5}][{"t":21.5}  ]')
})

test('payloads are printed byte for byte, whatever they are', () => {
  const payload = Buffer.from([0, 255, 128, 10])
  assert.deepEqual(compileFormat('%p')({ ...message, payload }), payload)
  assert.equal(written('%x %X', { ...message, payload }), '00ff800a 00FF800A')
})

test('JSON has what Mosquitto has, and who signed it where somebody did', () => {
  const { tst, ...rest } = JSON.parse(written('%j') ?? '')
  assert.match(tst, /^2026-11-2\dT\d\d:\d\d:12\.345000Z[+-]\d{4}$/)
  const properties = { 'content-type': 'json', 'user-properties': { a: ['1', '2'] }, 'message-expiry-interval': 60 }
  const plain = { topic: 'plant/press-7', qos: 1, retain: 1, payloadlen: 10, mid: 7, properties }
  assert.deepEqual(rest, { ...plain, payload: '{"t":21.5}' })
  const { signer, verdict, seq, payload } = JSON.parse(written('%J', signed) ?? '')
  assert.deepEqual([signer, verdict, seq, payload], ['press-7', 'verified', 42, { t: 21.5 }])
})

test('a payload that is no JSON cannot be shown as such', () => {
  assert.equal(compileFormat('%J')({ ...message, payload: Buffer.from('21,5') }), undefined)
  assert.equal(JSON.parse(written('%J', { ...message, payload: Buffer.alloc(0) }) ?? '').payload, null)
})

for (const format of ['%', 'a%', '%10', '%-', '@', '\\', '\\q', '%z', '%10001t', '%5']) {
  test(`the format ${format} is a usage error`, () => {
    assert.throws(() => compileFormat(format), { code: 'ERR_USAGE' })
  })
}
