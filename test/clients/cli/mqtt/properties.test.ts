import assert from 'node:assert/strict'
import { test } from 'node:test'
import { takeProperties } from '../../../../clients/cli/mqtt/properties.ts'

test('properties are taken out of a command line wherever they stand, and the rest stays as it was', () => {
  const { rest, properties } = takeProperties([
    ...['-t', 'a', '-D', 'publish', 'content-type', 'text/plain', '-m', '-5'],
    ...['--property', 'PUBLISH', 'User-Property', 'k', 'v', '-D', 'connect', 'receive-maximum', '20'],
  ])
  assert.deepEqual(rest, ['-t', 'a', '-m', '-5'])
  assert.deepEqual(
    [...properties],
    [
      ['publish', { contentType: 'text/plain', userProperties: { k: 'v' } }],
      ['connect', { receiveMaximum: 20 }],
    ],
  )
})

test('a user property may be given several times, under any name', () => {
  const give = (name: string, value: string) => ['-D', 'will', 'user-property', name, value]
  const { properties } = takeProperties([
    ...give('a', '1'),
    ...give('a', '2'),
    ...give('__proto__', '3'),
    ...give('a', '4'),
  ])
  const pairs = properties.get('will')?.userProperties as object
  assert.deepEqual(Object.entries(pairs), [
    ['a', ['1', '2', '4']],
    ['__proto__', '3'],
  ])
})

test('binary data, flags and integers have their types', () => {
  const { properties } = takeProperties([
    ...['-D', 'publish', 'correlation-data', 'é', '-D', 'publish', 'payload-format-indicator', '1'],
    ...['-D', 'publish', 'message-expiry-interval', '4294967295', '-D', 'connect', 'request-problem-information', '0'],
  ])
  assert.deepEqual(properties.get('publish'), {
    correlationData: Buffer.from('é'),
    payloadFormatIndicator: true,
    messageExpiryInterval: 4_294_967_295,
  })
  assert.deepEqual(properties.get('connect'), { requestProblemInformation: false })
})

for (const [what, args] of [
  ['for another packet', ['-D', 'puback', 'user-property', 'a', 'b']],
  ['of another name', ['-D', 'publish', 'colour', 'red']],
  ['that its packet has not', ['-D', 'subscribe', 'content-type', 'a']],
  ['named like a member of every object', ['-D', 'publish', 'constructor', 'a']],
  ['of a packet named like one', ['-D', 'toString', 'user-property', 'a', 'b']],
  ['without its value', ['-D', 'publish', 'content-type']],
  ['without its second value', ['-D', 'publish', 'user-property', 'a']],
  ['that is given twice', ['-D', 'publish', 'content-type', 'a', '-D', 'publish', 'content-type', 'b']],
  ['above its range', ['-D', 'connect', 'receive-maximum', '65536']],
  ['below its range', ['-D', 'connect', 'receive-maximum', '-1']],
  ['that is cut off after -D', ['-D']],
] as const) {
  test(`a property ${what} is a usage error`, () => {
    assert.throws(() => takeProperties(args), { code: 'ERR_USAGE' })
  })
}
