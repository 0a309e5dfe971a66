import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { test } from 'node:test'
import { BrokerError } from '../../../broker/errors.ts'
import { addressesOf } from '../../../broker/listeners/index.ts'

const options = { protocol: 'mqtt', port: 1883 } as const

test('a listener with an address, or on all, stays as it is', async () => {
  for (const listener of [
    options,
    { ...options, addressFamily: 'ipv6' } as const,
    { ...options, host: '127.0.0.1' },
    { ...options, host: '::1', addressFamily: 'ipv6' } as const,
  ]) {
    assert.deepEqual(await addressesOf(listener), [listener])
  }
})

test('a listener with a name listens on every address of it, IPv4 first', async () => {
  const known = await lookup('localhost', { all: true })
  const found = await addressesOf({ ...options, host: 'localhost' })
  assert.deepEqual(new Set(found.map(({ host }) => host)), new Set(known.map(({ address }) => address)))
  const hasIpv4 = found[0]?.host === '127.0.0.1'
  for (const { host, ifAvailable } of found) assert.equal(ifAvailable === true, hasIpv4 && host === '::1')
  const only = await addressesOf({ ...options, host: 'localhost', addressFamily: 'ipv4' })
  assert.deepEqual(
    only.map(({ host }) => host),
    ['127.0.0.1'],
  )
})

test('an address of another family, and a name that nobody knows, are refused with ERR_LISTEN_FAILED', async () => {
  for (const host of ['127.0.0.1', 'name.invalid']) {
    await assert.rejects(addressesOf({ ...options, host, addressFamily: 'ipv6' }), (error) => {
      return error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED'
    })
  }
})
