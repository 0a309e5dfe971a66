import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clientConnected,
  clientLeft,
  connectionFailed,
  type DepartureCause,
  expiringClient,
  openingListener,
  tooManyConnections,
} from '../../../broker/log/messages.ts'
import { receivedAcknowledgement, sendingAcknowledgement, sendingPublish } from '../../../broker/log/packet-messages.ts'

// What is written here was printed by Mosquitto 2.0.11; a whole session is compared in mosquitto-wording.test.ts.

test('a login shows version, clean start and keep alive, and the username only when there is one', () => {
  const client = {
    address: '127.0.0.1',
    port: 46218,
    clientId: 'kal',
    protocolVersion: 4,
    cleanStart: false,
    keepAliveSeconds: 1,
    username: 'bob',
  }
  const line = "New client connected from 127.0.0.1:46218 as kal (p2, c0, k1, u'bob')."
  assert.equal(clientConnected(client), line)
  assert.match(clientConnected({ ...client, protocolVersion: 3, username: undefined }), /\(p1, c0, k1\)\.$/)
  assert.match(clientConnected({ ...client, protocolVersion: 5, cleanStart: true }), /\(p5, c1, k1, u'bob'\)\.$/)
  assert.match(clientConnected({ ...client, username: '' }), /u''\)\.$/)
})

test('each cause of a departure has the words of Mosquitto', () => {
  const lines: Record<DepartureCause, string> = {
    disconnected: 'Client id disconnected.',
    'closed-connection': 'Client id closed its connection.',
    'keep-alive': 'Client id has exceeded timeout, disconnecting.',
    'malformed-packet': 'Client id disconnected due to malformed packet.',
    'protocol-error': 'Client id disconnected due to protocol error.',
    'oversize-packet': 'Client id disconnected due to oversize packet.',
    'not-authorised': 'Client id disconnected, not authorised.',
    administrative: 'Client id been disconnected by administrative action.',
    'not-supported': 'Client id disconnected due to QoS too high or retain not supported.',
  }
  for (const [cause, line] of Object.entries(lines)) assert.equal(clientLeft('id', cause as DepartureCause), line)
  assert.equal(clientLeft(undefined, 'not-authorised'), 'Client <unknown> disconnected, not authorised.')
})

test('other lines that tools look for', () => {
  assert.equal(openingListener('websockets', 9001), 'Opening websockets listen socket on port 9001.')
  assert.equal(expiringClient('id5'), 'Expiring client id5 due to timeout.')
  const denied = 'Client connection from 127.0.0.1 denied: max_connections exceeded.'
  assert.equal(tooManyConnections('127.0.0.1'), denied)
  assert.equal(connectionFailed('127.0.0.1', 'why'), 'Client connection from 127.0.0.1 failed: why.')
})

test('acknowledgements show the reason code where Mosquitto does', () => {
  assert.equal(receivedAcknowledgement('PUBREC', 'id4', 2, 0), 'Received PUBREC from id4 (Mid: 2)')
  assert.equal(receivedAcknowledgement('PUBCOMP', 'id4', 2, 0), 'Received PUBCOMP from id4 (Mid: 2, RC:0)')
  assert.equal(sendingAcknowledgement('PUBACK', 'id5', 5, 135), 'Sending PUBACK to id5 (m5, rc135)')
  assert.equal(sendingAcknowledgement('PUBREL', 'id4', 2, 0), 'Sending PUBREL to id4 (m2)')
})

test('a publish shows its flags and length, never its payload', () => {
  const trace = { dup: true, qos: 2, retain: true, packetId: 9, topicName: 'a/b', payloadBytes: 5 } as const
  assert.equal(sendingPublish('id', trace), "Sending PUBLISH to id (d1, q2, r1, m9, 'a/b', ... (5 bytes))")
})
