import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as messages from '../../../broker/log/messages.ts'
import * as packets from '../../../broker/log/packet-messages.ts'
import { freePort } from '../../helpers/broker.ts'
import {
  acknowledgement,
  connectPacket,
  disconnectPacket,
  pingPacket,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../../helpers/mqtt-bytes.ts'
import { TestProcess } from '../../helpers/processes.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasTool } from '../../helpers/tools.ts'

/** Debian installs it where ordinary users' PATH does not reach. */
const mosquitto = '/usr/sbin/mosquitto'

const connectedAs = (clientId: string, protocolVersion: number) => ({
  address: '127.0.0.1',
  port: 0,
  clientId,
  protocolVersion,
  cleanStart: true,
  keepAliveSeconds: 0,
  username: undefined,
})

const publish = (topicName: string, qos: 0 | 1 | 2, packetId: number, payloadBytes: number) => ({
  dup: false,
  qos,
  retain: false,
  packetId,
  topicName,
  payloadBytes,
})

/** Where ports of clients are the same for all, and the other program's name is ours. */
const comparable = (line: string) =>
  line.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:0').replace(/^mosquitto version \S+/, 'notarymq version X')

test("a session gives the lines that Debian's Mosquitto writes, word for word and in its order", async (t) => {
  if (!hasTool(t, mosquitto, ['-h'], 'mosquitto')) return
  const directory = temporaryDirectory(t)
  const port = await freePort()
  const [config, acl, log] = ['mosquitto.conf', 'acl', 'log'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(acl, 'topic readwrite a/#\n', { mode: 0o600 })
  const settings = ['allow_anonymous true', 'log_type all', `log_dest file ${log}`, 'log_timestamp false', 'user root']
  writeFileSync(config, [`listener ${port} 127.0.0.1`, `acl_file ${acl}`, ...settings, ''].join('\n'))
  const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [])
  const written = async (pattern: RegExp) => {
    while (!lines().some((line) => pattern.test(line))) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const program = new TestProcess(t, mosquitto, ['-c', config])
  await written(/ running$/)

  const open = RawMqtt.open
  const one = await open(t, port)
  one.write(connectPacket({ clientId: 'one' }))
  await one.next('connack')
  one.write(subscribePacket(1, ['a/+'], 2))
  await one.next('suback')
  one.write(publishPacket({ topic: 'a/b', payload: 'hello', qos: 1, packetId: 7 }))
  await one.next('puback')
  one.write(acknowledgement('puback', 1), pingPacket)
  await one.next('pingresp')
  one.write(publishPacket({ topic: 'b', payload: 'secret', qos: 2, packetId: 8 }))
  await one.next('pubrec')
  one.write(acknowledgement('pubrel', 8))
  await one.next('pubcomp')
  one.write(unsubscribePacket(2, ['a/+']))
  await one.next('unsuback')
  one.write(disconnectPacket)
  await one.closed

  const five = await open(t, port)
  five.write(connectPacket({ clientId: 'five', version: 5, will: { topic: 'a/will', payload: 'bye' } }))
  await five.next('connack')
  // QoS 3 [MQTT-5.0 3.3.1-4].
  five.write(Buffer.from([0x36, 5, 0, 1, 0x61, 0, 1]))
  await five.closed

  const old = await open(t, port)
  old.write(connectPacket({ clientId: 'twin' }))
  await old.next('connack')
  const twin = await open(t, port)
  twin.write(connectPacket({ clientId: 'twin' }))
  await twin.next('connack')
  await old.closed
  twin.write(connectPacket({ clientId: 'twin' }))
  await twin.closed

  const gone = await open(t, port)
  gone.write(connectPacket({ clientId: 'gone' }))
  await gone.next('connack')
  gone.socket.end()
  await written(/gone closed/)
  const stranger = await open(t, port)
  stranger.write(connectPacket({ clientId: '', clean: false }))
  await stranger.closed
  program.child.kill('SIGTERM')
  await program.ended

  const arrival = [messages.newConnection('127.0.0.1', 0, port)]
  const login = (clientId: string, version: number) => messages.clientConnected(connectedAs(clientId, version))
  const noWill = packets.willLines(undefined)
  const expected = [
    messages.starting('X'),
    messages.configLoaded(config),
    messages.openingListener('ipv4', port),
    messages.running('X'),
    ...arrival,
    login('one', 4),
    ...noWill,
    packets.sendingConnack('one', false, 0),
    packets.received('SUBSCRIBE', 'one'),
    packets.wantedSubscription('a/+', 2),
    packets.subscribed('one', 'a/+', 2),
    packets.sending('SUBACK', 'one'),
    packets.receivedPublish('one', publish('a/b', 1, 7, 5)),
    packets.sendingPublish('one', publish('a/b', 1, 1, 5)),
    packets.sendingAcknowledgement('PUBACK', 'one', 7, 0),
    packets.receivedAcknowledgement('PUBACK', 'one', 1, 0),
    packets.received('PINGREQ', 'one'),
    packets.sending('PINGRESP', 'one'),
    packets.deniedPublish('one', publish('b', 2, 8, 6)),
    packets.sendingAcknowledgement('PUBREC', 'one', 8, 0x87),
    packets.receivedAcknowledgement('PUBREL', 'one', 8, 0),
    packets.sendingAcknowledgement('PUBCOMP', 'one', 8, 0),
    packets.received('UNSUBSCRIBE', 'one'),
    packets.endedSubscription('a/+'),
    packets.unsubscribed('one', 'a/+'),
    packets.sending('UNSUBACK', 'one'),
    packets.received('DISCONNECT', 'one'),
    messages.clientLeft('one', 'disconnected'),
    ...arrival,
    login('five', 5),
    ...packets.willLines({ topicName: 'a/will', payloadBytes: 3, retain: false, qos: 0 }),
    packets.sendingConnack('five', false, 0),
    'Invalid QoS in PUBLISH from five, disconnecting.',
    messages.clientLeft('five', 'malformed-packet'),
    ...arrival,
    login('twin', 4),
    ...noWill,
    packets.sendingConnack('twin', false, 0),
    ...arrival,
    'Client twin already connected, closing old connection.',
    login('twin', 4),
    ...noWill,
    packets.sendingConnack('twin', false, 0),
    'Bad client twin sending multiple CONNECT messages.',
    messages.clientLeft('twin', 'protocol-error'),
    ...arrival,
    login('gone', 4),
    ...noWill,
    packets.sendingConnack('gone', false, 0),
    messages.clientLeft('gone', 'closed-connection'),
    ...arrival,
    packets.sendingConnack('127.0.0.1', false, 2),
    messages.clientLeft(undefined, 'protocol-error'),
    messages.terminating('X'),
  ]
  assert.deepEqual(lines().map(comparable), expected)
})
