import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { addressKey } from '../../../broker/listeners/address-counts.ts'
import { AddressPenalties } from '../../../plugins/verification/index.ts'

describe('penalties of addresses', () => {
  const options = { firstMs: 1000, mostMs: 60_000, forgetMs: 60_000 }
  test('an address without an offence is not delayed, and asking about it is not remembered', () => {
    const penalties = new AddressPenalties({ now: () => 0 })
    assert.equal(penalties.delayOf('192.0.2.1'), 0)
    assert.equal(penalties.size, 0)
  })
  test('the delay doubles with each offence up to the longest, and concerns that address only', () => {
    const penalties = new AddressPenalties({ ...options, now: () => 5 })
    const delays = Array.from({ length: 9 }, () => {
      penalties.penalise('192.0.2.1')
      return penalties.delayOf('192.0.2.1')
    })
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
    assert.equal(penalties.delayOf('192.0.2.2'), 0)
  })
  test('the delay runs out, offences are forgotten one by one, and then the address is', () => {
    let nowMs = 0
    const penalties = new AddressPenalties({ ...options, now: () => nowMs })
    for (let offence = 0; offence < 3; offence++) penalties.penalise('192.0.2.1')
    nowMs = 1500
    assert.equal(penalties.delayOf('192.0.2.1'), 2500)
    nowMs = 4000
    assert.equal(penalties.delayOf('192.0.2.1'), 0)
    nowMs = 60_000
    penalties.penalise('192.0.2.1')
    assert.equal(penalties.delayOf('192.0.2.1'), 4000)
    nowMs = 60_000 + 3 * 60_000
    assert.equal(penalties.delayOf('192.0.2.1'), 0)
    assert.equal(penalties.size, 0)
  })
  test('thousands of offences are forgotten as soon as a dozen', () => {
    let nowMs = 0
    const penalties = new AddressPenalties({ ...options, now: () => nowMs })
    for (let offence = 0; offence < 5000; offence++) penalties.penalise('192.0.2.1')
    nowMs = 7 * 60_000
    assert.equal(penalties.delayOf('192.0.2.1'), 0)
    penalties.penalise('192.0.2.1')
    assert.equal(penalties.delayOf('192.0.2.1'), 1000)
  })
  test('all addresses of an IPv6 network of 64 bits are one', () => {
    const penalties = new AddressPenalties({ ...options, now: () => 0 })
    penalties.penalise(addressKey('2001:db8::1'))
    assert.equal(penalties.delayOf(addressKey('2001:db8:0:0:ffff::2')), 1000)
    assert.equal(penalties.delayOf(addressKey('2001:db8:0:1::1')), 0)
  })
  test('whatever happens, delays stay within their bounds and the table within its own, the newest offender in it', () => {
    const event = fc.record({ address: fc.nat({ max: 9 }), pauseMs: fc.nat({ max: 90_000 }), isOffence: fc.boolean() })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), (events) => {
        let nowMs = 0
        const penalties = new AddressPenalties({ ...options, mostAddresses: 4, now: () => nowMs })
        for (const { address, pauseMs, isOffence } of events) {
          nowMs += pauseMs
          if (isOffence) penalties.penalise(`${address}`)
          const delayMs = penalties.delayOf(`${address}`)
          assert.ok(delayMs >= (isOffence ? options.firstMs : 0) && delayMs <= options.mostMs)
          assert.ok(penalties.size <= 4)
        }
      }),
      { seed: 54, numRuns: 200 },
    )
  })
})
