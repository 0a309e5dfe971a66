import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import type { NetworkInterfaceInfo } from 'node:os'
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

const info = (address: string, family: 'IPv4' | 'IPv6') => ({ address, family }) as NetworkInterfaceInfo
const interfaces = () => ({
  lo: [info('127.0.0.1', 'IPv4'), info('::1', 'IPv6')],
  eth0: [info('fe80::1', 'IPv6'), info('2001:db8::7', 'IPv6'), info('192.0.2.7', 'IPv4')],
  eth1: [],
})

test('a listener with a network interface listens on its addresses, IPv4 first, those of the link with their zone', async () => {
  const hosts = async (more: object) => (await addressesOf({ ...options, ...more }, interfaces)).map(({ host }) => host)
  assert.deepEqual(await hosts({ bindInterface: 'eth0' }), ['192.0.2.7', 'fe80::1%eth0', '2001:db8::7'])
  assert.deepEqual(await hosts({ bindInterface: 'ETH0', addressFamily: 'ipv6' }), ['fe80::1%eth0', '2001:db8::7'])
  assert.deepEqual(await hosts({ bindInterface: 'lo', host: '127.0.0.1' }), ['127.0.0.1'])
  assert.deepEqual(await hosts({ bindInterface: 'eth0', host: '2001:0db8:0::7' }), ['2001:0db8:0::7'])
  assert.deepEqual(await hosts({ bindInterface: 'lo', host: 'localhost', addressFamily: 'ipv4' }), ['127.0.0.1'])
})

test('an interface that is not there, has no address, or not the one asked for, is refused with ERR_LISTEN_FAILED', async () => {
  for (const more of [
    { bindInterface: 'wlan0' },
    { bindInterface: 'eth1' },
    { bindInterface: 'eth0', host: '127.0.0.1' },
    { bindInterface: 'eth0', host: 'localhost' },
    { bindInterface: 'lo', host: '127.0.0.1', addressFamily: 'ipv6' as const },
  ]) {
    await assert.rejects(
      addressesOf({ ...options, ...more }, interfaces),
      (error) => error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED',
      JSON.stringify(more),
    )
  }
})
