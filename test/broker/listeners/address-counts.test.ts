import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AddressCounts, addressKey, plainAddress } from '../../../broker/listeners/address-counts.ts'

describe('AddressCounts', () => {
  test('lets in as many as it may of each address, and another for each that leaves', () => {
    const counts = new AddressCounts(() => 2)
    assert.deepEqual(
      [counts.enter('192.0.2.1'), counts.enter('192.0.2.1'), counts.enter('192.0.2.1'), counts.enter('192.0.2.2')],
      [true, true, false, true],
    )
    counts.leave('192.0.2.1')
    assert.deepEqual([counts.enter('192.0.2.1'), counts.enter('192.0.2.1')], [true, false])
  })

  test('counts a network of 64 bits as one IPv6 client', () => {
    const counts = new AddressCounts(() => 1)
    assert.equal(counts.enter('2001:db8:0:1::1'), true)
    assert.equal(counts.enter('2001:db8:0:1:ffff::2'), false)
    assert.equal(counts.enter('2001:db8:0:2::1'), true)
    counts.leave('2001:db8:0:1::1')
    assert.equal(counts.enter('2001:db8::1:2:3:4:5'), true)
  })

  test('has no limit with 0', () => {
    const counts = new AddressCounts(() => 0)
    for (let i = 0; i < 1000; i++) assert.equal(counts.enter('192.0.2.1'), true)
  })
})

describe('addressKey', () => {
  const cases: Record<string, string> = {
    '192.0.2.1': '192.0.2.1',
    '::1': '0:0:0:0',
    '::': '0:0:0:0',
    '2001:db8::': '2001:db8:0:0',
    '2001:0DB8:1:2:3:4:5:6': '2001:db8:1:2',
    'fe80::1%eth0': 'fe80:0:0:0',
    '64:ff9b::192.0.2.33': '64:ff9b:0:0',
    '1:2:3:4:5:6:192.0.2.33': '1:2:3:4',
    '1:2:3:4::': '1:2:3:4',
    '::5:6:7:8': '0:0:0:0',
    '::2:3:4:5:6:7:8': '0:2:3:4',
  }
  for (const [address, key] of Object.entries(cases)) {
    test(`of ${address} is ${key}`, () => assert.equal(addressKey(address), key))
  }

  test('is the same for all spellings of an address', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    })
    fc.assert(
      fc.property(groups, (parts) => {
        const full = parts.map((part) => part.toString(16).padStart(4, '0')).join(':')
        const short = new URL(`http://[${full}]`).hostname.slice(1, -1)
        assert.equal(addressKey(short), addressKey(full))
        assert.equal(
          addressKey(full),
          parts
            .slice(0, 4)
            .map((part) => part.toString(16))
            .join(':'),
        )
      }),
      { seed: 64, numRuns: 500 },
    )
  })
})

test('plainAddress takes IPv4 addresses out of IPv6, and nothing else', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(plainAddress('::FFFF:192.0.2.1'), '192.0.2.1')
  for (const address of ['192.0.2.1', '::1', '64:ff9b::192.0.2.1', '::ffff:c000:201']) {
    assert.equal(plainAddress(address), address)
  }
})
