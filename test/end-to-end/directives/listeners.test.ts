import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { networkInterfaces } from 'node:os'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { freePort } from '../../helpers/broker.ts'
import { isListening } from '../../helpers/listening.ts'
import { connectPacket } from '../../helpers/mqtt-bytes.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, departureOf, enter, eventually, Program } from './support.ts'

const names = [
  ...(['default', 'plain', 'ipv4', 'interface', 'websockets', 'single', 'qos0', 'qos1', 'named', 'five'] as const),
  ...(['closed', 'prefixed', 'slow'] as const),
]
type Ports = Readonly<Record<(typeof names)[number], number>>

async function freePorts(): Promise<Ports> {
  const ports: [string, number][] = []
  for (const name of names) ports.push([name, await freePort()])
  return Object.fromEntries(ports) as Ports
}

const linesOf = (location: string, ports: Ports): readonly string[] => [
  `persistence_location ${location}`,
  'allow_anonymous true',
  `port ${ports.default}`,
  'bind_address 127.0.0.1',
  ...[`listener ${ports.plain} 127.0.0.1`],
  ...[`listener ${ports.ipv4}`, 'socket_domain ipv4'],
  ...[`listener ${ports.interface}`, 'bind_interface lo'],
  ...[`listener ${ports.websockets} 127.0.0.1`, 'protocol websockets', 'websockets_origin https://a.example'],
  ...[`listener ${ports.single} 127.0.0.1`, 'max_connections 1'],
  ...[`listener ${ports.qos0} 127.0.0.1`, 'max_qos 0'],
  ...[`listener ${ports.qos1} 127.0.0.1`, 'maximum_qos 1', 'max_topic_alias 3'],
  ...[`listener ${ports.named} 127.0.0.1`, 'use_username_as_clientid true'],
  ...[`listener ${ports.five} 127.0.0.1`, 'accept_protocol_versions 5'],
  ...[`listener ${ports.closed} 127.0.0.1`, 'listener_allow_anonymous false'],
  ...[`listener ${ports.prefixed} 127.0.0.1`, 'listener_auto_id_prefix door-'],
  ...[`listener ${ports.slow} 127.0.0.1`, 'notary_connect_rate 1 2'],
]

/** Tries a WebSocket handshake as a page of `origin` would. @returns the HTTP status of the answer */
async function handshake(t: TestContext, port: number, origin: string): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt', { origin })
  t.after(() => socket.terminate())
  const opened = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(([, response]) => (response as IncomingMessage).statusCode)
  return (await Promise.race([opened, refused])) ?? 0
}

test('listeners side by side, each with rules of its own', async (t) => {
  const ports = await freePorts()
  await Program.start(t, linesOf(temporaryDirectory(t), ports))
  const others = Object.values(networkInterfaces())
    .flatMap((infos = []) => infos)
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  const [outside] = others
  const outsideAddress = outside?.address ?? '127.0.0.2'

  await t.test('listener opens a socket, port and bind_address open the default one beside it', async (t) => {
    covers('listener', 'port', 'bind_address')
    assert.equal(await enter(t, ports.plain), 0)
    assert.equal(await enter(t, ports.default), 0)
    assert.equal(await isListening(ports.default, outsideAddress), false)
    assert.equal(await isListening(ports.ipv4, outsideAddress), true)
  })

  await t.test('socket_domain ipv4 leaves IPv6 out, bind_interface all interfaces but one', async () => {
    covers('socket_domain', 'bind_interface')
    assert.deepEqual([await isListening(ports.ipv4, '127.0.0.1'), await isListening(ports.ipv4, '::1')], [true, false])
    assert.equal(await isListening(ports.interface, '127.0.0.1'), true)
    assert.equal(await isListening(ports.interface, outsideAddress), false)
  })

  await t.test('protocol websockets speaks it, for pages of websockets_origin and for no others', async (t) => {
    covers('protocol', 'websockets_origin')
    assert.equal(await enter(t, `ws://127.0.0.1:${ports.websockets}/mqtt`), 0)
    assert.equal(await handshake(t, ports.websockets, 'https://a.example'), 101)
    assert.equal(await handshake(t, ports.websockets, 'https://b.example'), 403)
  })

  await t.test('max_connections closes one more than it allows, and lets in the next when one has left', async (t) => {
    covers('max_connections')
    const first = await TestClient.connect(t, ports.single)
    assert.equal(await enter(t, ports.single), 'closed')
    await first.end()
    // Its end reaches the broker some time after it.
    await eventually(
      () => enter(t, ports.single),
      (result) => result === 0,
    )
  })

  await t.test('max_qos, maximum_qos and max_topic_alias are told to MQTT 5 clients', async (t) => {
    covers('max_qos', 'maximum_qos', 'max_topic_alias')
    const told = []
    for (const port of [ports.qos0, ports.qos1, ports.plain]) {
      const { connack } = await TestClient.connect(t, port)
      told.push([connack?.properties?.maximumQoS, connack?.properties?.topicAliasMaximum])
    }
    assert.deepEqual(told, [
      [0, 10],
      [1, 3],
      [undefined, 10],
    ])
  })

  await t.test('use_username_as_clientid names the client by its username, and refuses who has none', async (t) => {
    covers('use_username_as_clientid')
    assert.equal(await enter(t, ports.named), 0x87)
    const client = await TestClient.connect(t, ports.named, { username: 'ann', clientId: 'x' })
    // Who comes with the same client id takes its place.
    const gone = departureOf(client)
    const again = await TestClient.connect(t, ports.plain, { clientId: 'ann' })
    await gone
    assert.equal(again.mqtt.connected, true)
  })

  await t.test('accept_protocol_versions refuses the others with their own code', async (t) => {
    covers('accept_protocol_versions')
    assert.deepEqual([await enter(t, ports.five, { protocolVersion: 4 }), await enter(t, ports.five)], [1, 0])
  })

  await t.test('listener_allow_anonymous and listener_auto_id_prefix go before those of the broker', async (t) => {
    covers('listener_allow_anonymous', 'listener_auto_id_prefix')
    assert.equal(await enter(t, ports.closed), 0x87)
    const { connack } = await TestClient.connect(t, ports.prefixed, { clientId: '' })
    assert.match(connack?.properties?.assignedClientIdentifier ?? '', /^door-[0-9A-F-]{36}$/)
    const { connack: plain } = await TestClient.connect(t, ports.plain, { clientId: '' })
    assert.match(plain?.properties?.assignedClientIdentifier ?? '', /^auto-[0-9A-F-]{36}$/)
  })

  await t.test('notary_connect_rate closes what comes faster', async (t) => {
    covers('notary_connect_rate')
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawMqtt.open(t, ports.slow)))
    const refused = await Promise.all(
      clients.map((client, i) => {
        client.write(connectPacket({ clientId: `fast-${i}` }))
        return client.isRefused('connack')
      }),
    )
    assert.ok(refused.includes(true), 'all twenty at once came in')
    assert.ok(refused.filter((isRefused) => !isRefused).length >= 2, 'the burst did not come in')
  })
})

test('without a listener only this machine can connect, on 127.0.0.1 and ::1, without a login', async (t) => {
  const port = await freePort()
  const program = await Program.start(t, [`persistence_location ${temporaryDirectory(t)}`], { args: ['-p', `${port}`] })
  await program.says(/local only mode/)
  assert.equal(await enter(t, port), 0)
  assert.equal(await isListening(port, '::1'), true)
  const outside = Object.values(networkInterfaces()).flatMap((infos = []) => infos)
  for (const { address, internal, family } of outside) {
    if (!internal && family === 'IPv4') assert.equal(await isListening(port, address), false, address)
  }
})
