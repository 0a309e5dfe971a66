import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { IClientOptions } from 'mqtt'
import type { DirectiveName } from '../../../broker/config/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { connectPacket, PacketSplitter, packetType, pingPacket, subscribePacket } from '../../helpers/mqtt-bytes.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { base, change, publishes, type ReloadCase, type Scene, told, unseen } from './reload-case.ts'
import { eventually, sysMessages } from './support.ts'

const durable = (clientId: string): IClientOptions => ({
  clientId,
  clean: false,
  properties: { sessionExpiryInterval: 600 },
})

/** What is kept for a client that is away while these are published. */
const keptOf =
  (payloads: readonly string[], qos: 0 | 1 = 1) =>
  async ({ t, port }: Scene): Promise<readonly string[]> => {
    const publisher = await TestClient.connect(t, port)
    const subscriber = await TestClient.connect(t, port, durable('away'))
    await subscriber.subscribe('kept', 1)
    await subscriber.end()
    for (const payload of payloads) await publisher.publish('kept', payload, { qos })
    // QoS 0 is answered by what comes behind it.
    await publisher.publish('other', '')
    const back = await TestClient.connect(t, port, durable('away'))
    await back.subscribe('end', 0)
    await publisher.publish('end', '')
    await back.waitFor(1, ({ topic }) => topic === 'end')
    await back.end()
    return back.received.filter(({ topic }) => topic === 'kept').map(({ payload }) => `${payload}`)
  }

const sleepers = new WeakSet<Scene>()

/** Sessions without a connection, as `$SYS` tells; the first look leaves one behind. */
const sleeping = async (scene: Scene): Promise<string | undefined> => {
  const { t, port } = scene
  if (!sleepers.has(scene)) {
    const client = await TestClient.connect(t, port, durable('sleeper'))
    await client.end()
    sleepers.add(scene)
  }
  return (await sysMessages(t, port, '$SYS/broker/clients/disconnected')).get('$SYS/broker/clients/disconnected')
}

/** Resolves when the broker ends a connection that says nothing. */
const silent = async ({ t, port }: Scene): Promise<'closed'> => {
  const raw = await RawMqtt.open(t, port)
  await raw.closed
  return 'closed'
}

/** How many messages a subscriber that acknowledges nothing gets of three. */
const inFlight = async ({ t, port }: Scene): Promise<number> => {
  const raw = await RawMqtt.connect(t, port, { clientId: 'silent', version: 5 })
  const splitter = new PacketSplitter()
  let received = 0
  raw.socket.on('data', (chunk: Buffer) => {
    received += splitter.push(chunk).filter(({ type }) => type === packetType.publish).length
  })
  raw.write(subscribePacket(1, ['flight'], 1, 5))
  await raw.next('suback')
  const publisher = await TestClient.connect(t, port)
  for (let i = 0; i < 3; i++) await publisher.publish('flight', 'x'.repeat(60))
  // What was on its way before the answer comes before it.
  raw.write(pingPacket)
  await raw.next('pingresp')
  raw.socket.destroy()
  await raw.closed
  return received
}

/** How many topic aliases a subscriber that takes ten is sent. */
const aliases = async ({ t, port }: Scene): Promise<number> => {
  const client = await TestClient.connect(t, port, { properties: { topicAliasMaximum: 10 } })
  const seen = new Set<number>()
  client.mqtt.on('packetreceive', (packet) => {
    if (packet.cmd === 'publish' && packet.properties?.topicAlias) seen.add(packet.properties.topicAlias)
  })
  await client.subscribe('alias/#', 1)
  for (let i = 0; i < 4; i++) await client.publish(`alias/of/a/long/topic/name/${i}`, 'x')
  await client.waitFor(4)
  return seen.size
}

/** Connections of this many that nobody closes at once, one after the other. */
const connectionsOf =
  (count: number) =>
  async ({ t, port }: Scene): Promise<number> => {
    const sockets = []
    const answered: boolean[] = []
    for (let i = 0; i < count; i++) {
      const socket = connectTcp({ host: '127.0.0.1', port })
      atEnd(t, () => socket.destroy())
      socket.on('error', () => socket.destroy())
      sockets.push(socket)
      socket.write(connectPacket({ clientId: `many-${i}`, version: 5 }))
      answered.push(
        await new Promise<boolean>((resolve) => {
          socket.once('data', (bytes) => resolve(bytes[3] === 0))
          socket.once('close', () => resolve(false))
        }),
      )
    }
    for (const socket of sockets) {
      socket.destroy()
      if (!socket.closed) await once(socket, 'close')
    }
    return answered.filter((isIn) => isIn).length
  }

/** Passes of the scrub, as soon as there is one. */
const scrubbed = async ({ t, port }: Scene): Promise<number | undefined> => {
  const admin = await TestAdmin.connect(t, port)
  const passes = async () => (await admin.request('audit.status', {})).scrub?.passes
  return eventually(passes, (count) => count !== 0)
}

/** By how much the broker takes, keeps and sends, and for how long. */
export const limitCases = {
  max_queued_messages: change('max_queued_messages 1', 'max_queued_messages 2', keptOf(['1', '2', '3']), [
    ['1'],
    ['1', '2'],
  ]),
  max_queued_bytes: change('max_queued_bytes 1', 'max_queued_bytes 2', keptOf(['1', '2', '3']), [['1'], ['1', '2']]),
  queue_qos0_messages: change('queue_qos0_messages false', 'queue_qos0_messages true', keptOf(['1'], 0), [[], ['1']]),
  max_inflight_messages: change('max_inflight_messages 1', 'max_inflight_messages 2', inFlight, [1, 2]),
  max_inflight_bytes: change('max_inflight_bytes 60', 'max_inflight_bytes 120', inFlight, [1, 2]),
  max_topic_alias: change('max_topic_alias 5', 'max_topic_alias 6', told('topicAliasMaximum'), [5, 6]),
  max_topic_alias_broker: change('max_topic_alias_broker 1', 'max_topic_alias_broker 2', aliases, [1, 2]),
  message_size_limit: change('message_size_limit 5', 'message_size_limit 6', publishes('a', '123456'), [0x97, 0]),
  max_packet_size: change('max_packet_size 300', 'max_packet_size 400', told('maximumPacketSize'), [300, 400]),
  max_keepalive: change('max_keepalive 60', 'max_keepalive 70', told('serverKeepAlive', { keepalive: 100 }), [60, 70]),
  max_qos: change('max_qos 0', 'max_qos 1', told('maximumQoS'), [0, 1]),
  maximum_qos: change('maximum_qos 0', 'maximum_qos 1', told('maximumQoS'), [0, 1]),
  retain_available: change('retain_available false', 'retain_available true', told('retainAvailable'), [
    false,
    undefined,
  ]),
  persistent_client_expiration: {
    before: [base, 'sys_interval 1'],
    after: [base, 'sys_interval 1', 'persistent_client_expiration 1s'],
    look: sleeping,
    expected: ['1', '0'],
  },
  max_connections: change('max_connections 2', 'max_connections 3', connectionsOf(4), [2, 3]),
  global_max_connections: change('global_max_connections 2', 'global_max_connections 3', connectionsOf(4), [2, 3]),
  global_max_clients: change('global_max_clients 2', 'global_max_clients 3', connectionsOf(4), [2, 3]),
  notary_max_connections_per_address: change(
    'notary_max_connections_per_address 2',
    'notary_max_connections_per_address 3',
    connectionsOf(4),
    [2, 3],
  ),
  notary_connect_rate: change('notary_connect_rate 1 1', 'notary_connect_rate 1 3', connectionsOf(4), [1, 3]),
  notary_connect_timeout: change('notary_connect_timeout 86400', 'notary_connect_timeout 1', silent, [
    unseen,
    'closed',
  ]),
  notary_scrub: {
    before: [base, 'notary_admin anonymous', 'notary_scrub 0'],
    after: [base, 'notary_admin anonymous', 'notary_scrub 1000'],
    look: scrubbed,
    expected: [unseen, 1],
  },
  notary_min_free: change('notary_min_free 1', `notary_min_free ${Number.MAX_SAFE_INTEGER}`, publishes('a'), [0, 0x97]),
} satisfies Partial<Record<DirectiveName, ReloadCase>>
