import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerError, type BrokerOptions, resolveOptions } from '../../broker/index.ts'

const location = '/somewhere'

test('options are completed with the defaults of a broker for this machine only, and frozen', () => {
  const resolved = resolveOptions({ location })
  assert.deepEqual(
    resolved.listeners.map(({ protocol, port, host }) => `${protocol} ${host} ${port}`),
    ['mqtt 127.0.0.1 1883', 'mqtt ::1 1883', 'websockets 127.0.0.1 9001', 'websockets ::1 9001'],
  )
  assert.equal(resolved.allowAnonymous, false)
  assert.equal(resolved.anonymousAdmin, false)
  assert.equal(resolved.persistence, true)
  assert.equal(resolved.maxQueuedMessages, 1000)
  assert.equal(resolved.maxInflightMessages, 20)
  assert.equal(resolved.maxConnectionsPerAddress, 0)
  assert.equal(resolved.connectTimeoutSeconds, 30)
  const { allowZeroLengthClientId, autoIdPrefix, maximumQos, sysIntervalSeconds, connectionMessages } = resolved
  assert.deepEqual(
    { allowZeroLengthClientId, autoIdPrefix, maximumQos, sysIntervalSeconds, connectionMessages },
    {
      allowZeroLengthClientId: true,
      autoIdPrefix: 'auto-',
      maximumQos: 2,
      sysIntervalSeconds: 10,
      connectionMessages: true,
    },
  )
  assert.deepEqual(
    [resolved.bridges, resolved.admins, resolved.httpListeners, resolved.clientIdPrefixes],
    [[], [], [], []],
  )
  const { keyRules, refuseV3, clockSkewSeconds, provenance, unwrap, ackIndex, bindClientId, enrollCertificates } =
    resolved
  assert.deepEqual(
    { keyRules, refuseV3, clockSkewSeconds, provenance, unwrap, ackIndex, bindClientId, enrollCertificates },
    {
      ...{ keyRules: [], refuseV3: 'drop', clockSkewSeconds: 300, provenance: [], unwrap: [] },
      ...{ ackIndex: false, bindClientId: false, enrollCertificates: false },
    },
  )
  assert.deepEqual(resolved.log.destinations, [{ kind: 'stderr' }])
  assert.ok(Object.isFrozen(resolved))
})

const tls = { certFile: 'c', keyFile: 'k' }

const wrong: Record<string, Partial<Record<keyof BrokerOptions, unknown>>> = {
  'an empty location': { location: '' },
  'no listener': { listeners: [] },
  'a port beyond 65535': { listeners: [{ protocol: 'mqtt', port: 65536 }] },
  'a port that is no integer': { listeners: [{ protocol: 'mqtt', port: 1.5 }] },
  'an unknown protocol': { listeners: [{ protocol: 'mqtts', port: 1883 }] },
  'a family that is none': { listeners: [{ protocol: 'mqtt', port: 1883, addressFamily: 'ipv5' }] },
  'a negative limit of connections': { listeners: [{ protocol: 'mqtt', port: 1883, maxConnections: -1 }] },
  'a connect rate of nothing': { listeners: [{ protocol: 'mqtt', port: 1883, connectRate: { perSecond: 0 } }] },
  'a burst of nothing': { listeners: [{ protocol: 'mqtt', port: 1883, connectRate: { perSecond: 1, burst: 0 } }] },
  'TLS without a key': { listeners: [{ protocol: 'mqtt', port: 8883, tls: { certFile: 'c' } }] },
  'TLS with an empty CA': { listeners: [{ protocol: 'mqtt', port: 8883, tls: { ...tls, caFile: '' } }] },
  'client certificates without a CA': {
    listeners: [{ protocol: 'mqtt', port: 8883, tls: { ...tls, requireCertificate: true } }],
  },
  'TLS 1.1': { listeners: [{ protocol: 'mqtt', port: 8883, tls: { ...tls, minVersion: 'TLSv1.1' } }] },
  'a connect timeout of nothing': { connectTimeoutSeconds: 0 },
  'a connect timeout of two days': { connectTimeoutSeconds: 172_800 },
  'a negative limit per address': { maxConnectionsPerAddress: -1 },
  'a wrong topic filter': { protect: [{ filter: 'a/#/b', signed: true }] },
  'a rule that asks for nothing': { protect: [{ filter: 'a' }] },
  'a rule that nobody knows': { protect: [{ filter: 'a', sealed: true }] },
  'rules that could be read either way': {
    protect: [
      { filter: 'a/+', signed: true },
      { filter: '+/b', none: true },
    ],
  },
  'a key without a name': { keyRules: [{ name: '', restrictions: { gateway: true } }] },
  'a key with two rules': {
    keyRules: [
      { name: 'a', restrictions: { gateway: true } },
      { name: 'a', restrictions: { window: 100 } },
    ],
  },
  'a key that may sign for nothing': { keyRules: [{ name: 'a', restrictions: { topics: [] } }] },
  'a key with a window that is too small': { keyRules: [{ name: 'a', restrictions: { window: 1 } }] },
  'a way to refuse that is none': { refuseV3: 'ignore' },
  'a clock that is two days ahead': { clockSkewSeconds: 172_800 },
  'half a second of skew': { clockSkewSeconds: 0.5 },
  'provenance of no topic filter': { provenance: ['a/#/b'] },
  'unwrapping of one filter instead of a list': { unwrap: 'a/#' },
  'an index that is perhaps told': { ackIndex: 'yes' },
  'client ids that are bound to something': { bindClientId: 'username' },
  'certificates that are enrolled somehow': { enrollCertificates: 1 },
  'a username from certificates that nobody asks for': {
    listeners: [{ protocol: 'mqtt', port: 8883, tls: { ...tls, useIdentityAsUsername: true } }],
  },
  'an empty directory of CAs': { listeners: [{ protocol: 'mqtt', port: 8883, tls: { ...tls, caPath: '' } }] },
  'QoS 3': { maximumQos: 3 },
  'QoS 3 at a listener': { listeners: [{ protocol: 'mqtt', port: 1883, maximumQos: 3 }] },
  'no version of MQTT': { listeners: [{ protocol: 'mqtt', port: 1883, acceptProtocolVersions: [] }] },
  'MQTT 6': { listeners: [{ protocol: 'mqtt', port: 1883, acceptProtocolVersions: [6] }] },
  'a network interface without a name': { listeners: [{ protocol: 'mqtt', port: 1883, bindInterface: '' }] },
  'too many topic aliases at a listener': { listeners: [{ protocol: 'mqtt', port: 1883, maxTopicAlias: 65536 }] },
  'origins that are no list': { listeners: [{ protocol: 'websockets', port: 9001, allowedOrigins: 'everybody' }] },
  'an origin that is empty': { listeners: [{ protocol: 'websockets', port: 9001, allowedOrigins: [''] }] },
  'anonymous clients that are perhaps let in': { allowAnonymous: 'yes' },
  'an empty password file at a listener': {
    listeners: [{ protocol: 'mqtt', port: 1883, security: { passwordFile: '' } }],
  },
  'a prefix that is a number': { autoIdPrefix: 1 },
  'a log of the old kind': { log: { destination: 'stderr', types: [] } },
  'a log without a path': { log: { destinations: [{ kind: 'file' }], types: [], timestamps: true } },
  'a log to nowhere known': { log: { destinations: [{ kind: 'printer' }], types: [], timestamps: true } },
  'witnesses that are no list': { witnesses: 'w1' },
  'a witness without a key': { witnesses: [{ name: 'w1' }] },
  'a witness whose key is none': { witnesses: [{ name: 'w1', vkey: 'w1' }] },
  'a quorum of witnesses that there are not': { witnessQuorum: 1 },
  'metrics on no port': { httpListeners: [{ port: -1 }] },
  'an administrator without a name': { admins: [''] },
  'retained messages perhaps': { retainAvailable: 1 },
  'a negative expiry': { persistentClientExpirationSeconds: -1 },
  'an empty pid file': { pidFile: '' },
  'a negative queue': { maxQueuedMessages: -1 },
  'an in-flight window beyond 65535': { maxInflightMessages: 65536 },
}

for (const [what, options] of Object.entries(wrong)) {
  test(`options with ${what} are refused with ERR_OPTIONS_INVALID`, () => {
    assert.throws(
      () => resolveOptions({ location, ...options } as BrokerOptions),
      (error) => error instanceof BrokerError && error.code === 'ERR_OPTIONS_INVALID',
    )
  })
}
