import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BrokerOptions, resolveOptions } from '../../broker/options.ts'
import { reloadedOptions } from '../../broker/reloaded-options.ts'

const tls = { certFile: '/c', keyFile: '/k' }
const started = {
  location: '/data',
  origin: 'one',
  maxQueuedMessages: 5,
  listeners: [
    { protocol: 'mqtt', port: 1883, maxConnections: 1 },
    { protocol: 'mqtt', port: 1883, host: '127.0.0.1', maxConnections: 2 },
    { protocol: 'mqtt', port: 8883, tls },
  ],
} as const satisfies BrokerOptions

const reloaded = (changes: Partial<BrokerOptions>) =>
  reloadedOptions(resolveOptions(started), resolveOptions({ ...started, ...changes }))

test('takes everything over but what only a restart changes', () => {
  const { location, origin, anchors, logExport, maxQueuedMessages, allowAnonymous } = reloaded({
    location: '/elsewhere',
    origin: 'two',
    anchors: ['/usb'],
    logExport: { directory: '/export', intervalSeconds: 10 },
    maxQueuedMessages: 6,
    allowAnonymous: true,
  })
  assert.deepEqual({ location, origin }, { location: '/data', origin: 'one' })
  assert.deepEqual({ anchors, logExport }, { anchors: [], logExport: undefined })
  assert.deepEqual({ maxQueuedMessages, allowAnonymous }, { maxQueuedMessages: 6, allowAnonymous: true })
})

test('what is absent is at its default again, not as it was', () => {
  const { maxQueuedMessages, ...rest } = started
  assert.equal(maxQueuedMessages, 5)
  assert.equal(reloadedOptions(resolveOptions(started), resolveOptions(rest)).maxQueuedMessages, 1000)
})

test('finds a listener by protocol, port and address, whatever stands above it, and opens and closes none', () => {
  const [open, local] = started.listeners
  const { listeners } = reloaded({
    listeners: [
      { protocol: 'websockets', port: 1883, maxConnections: 7 },
      { protocol: 'mqtt', port: 1884, maxConnections: 8 },
      { ...local, maxConnections: 4 },
      { ...open, maxConnections: 3 },
    ],
  })
  assert.deepEqual(
    listeners.map(({ port, host, maxConnections }) => ({ port, host, maxConnections })),
    [
      { port: 1883, host: undefined, maxConnections: 3 },
      { port: 1883, host: '127.0.0.1', maxConnections: 4 },
      { port: 8883, host: undefined, maxConnections: undefined },
    ],
  )
})

test('neither takes TLS from a listener nor gives it, but takes other files over', () => {
  const [open, , secure] = started.listeners
  const other = { certFile: '/c2', keyFile: '/k2' }
  const tlsOf = (listeners: BrokerOptions['listeners']) =>
    reloaded({ ...(listeners && { listeners }) }).listeners.map((one) => one.tls)
  assert.deepEqual(
    tlsOf([
      { ...open, tls: other },
      { protocol: 'mqtt', port: 8883 },
    ]),
    [undefined, undefined, tls],
  )
  assert.deepEqual(tlsOf([open, { ...secure, tls: other }]), [undefined, undefined, other])
})
