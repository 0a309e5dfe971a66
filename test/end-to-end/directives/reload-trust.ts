import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { TestAdmin } from '../../helpers/admin.ts'
import { publicPem } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { Signer } from '../../helpers/signing.ts'
import { base, type ReloadCase, type Scene, unseen } from './reload-case.ts'
import { enter, eventually } from './support.ts'

const keys = 'notary_keys DIR/keys'
const topic = 'plant/1'
const isSigned = 'notary_protect plant/# signed'
const isAdmin = 'notary_admin anonymous'
const device = new Signer(numberedKey(1))

const makeKeys = ({ directory }: Scene) => {
  mkdirSync(join(directory, 'keys'))
  writeFileSync(join(directory, 'keys', 'device.pem'), publicPem(device.key))
}

/** The reason code of an unsigned publish. */
const unsigned = async ({ t, port }: Scene) => (await TestClient.connect(t, port)).publish(topic, '21.5')

/** The reason code of a publish that the device signs. */
const signed =
  (aheadMs = 0) =>
  async ({ t, port }: Scene) => {
    const client = await TestClient.connect(t, port)
    return client.publish(topic, device.sign(topic, '21.5', { timeMs: Date.now() + aheadMs }))
  }

/** What a subscriber gets of a publish that the device signs. */
const shown =
  (look: (packet: IPublishPacket) => unknown) =>
  async ({ t, port }: Scene) => {
    const client = await TestClient.connect(t, port)
    await client.subscribe(topic)
    const arrived = new Promise<IPublishPacket>((resolve) => {
      client.mqtt.once('message', (_topic, _payload, packet) => resolve(packet))
    })
    await client.publish(topic, device.sign(topic, '21.5'))
    return look(await arrived)
  }

/** What a client of MQTT 3.1.1 gets whose publish is refused. */
const refusedV3 = async ({ t, port }: Scene) => {
  const client = await TestClient.connect(t, port, { protocolVersion: 4 })
  const ended = new Promise((resolve) => client.mqtt.once('close', () => resolve('the end')))
  return Promise.race([ended, client.publish(topic, 'unsigned').then(() => 'its acknowledgement')])
}

/** Names of the user properties of a PUBACK. */
const puback = async ({ t, port }: Scene) => {
  const client = await TestClient.connect(t, port)
  const acknowledged = new Promise<Packet>((resolve) => {
    client.mqtt.on('packetreceive', (packet: Packet) => packet.cmd === 'puback' && resolve(packet))
  })
  await client.publish(topic, '21.5')
  const packet = await acknowledged
  return Object.keys((packet.cmd === 'puback' && packet.properties?.userProperties) || {})
}

/** What becomes of a client whose second invalid signature comes at once. */
const forging = async ({ t, port }: Scene) => {
  const client = await TestClient.connect(t, port)
  const ended = new Promise((resolve) => client.mqtt.once('close', () => resolve('closed')))
  const forged = Array.from({ length: 20 }, () => client.publish(topic, device.sign('other', '21.5')))
  return Promise.race([
    ended,
    Promise.all(forged).then(
      () => 'refused',
      () => ended,
    ),
  ])
}

/** Whose publish is recorded last: that of a client that sent many before, or the one of another client. */
const lastOfTwo = async ({ t, port }: Scene) => {
  const subscriber = await TestClient.connect(t, port)
  await subscriber.subscribe('#', 0)
  // A client of MQTT 5 may not have as many in flight.
  const fast = await TestClient.connect(t, port, { protocolVersion: 4 })
  const other = await TestClient.connect(t, port)
  const sent = Promise.all(Array.from({ length: 30 }, () => fast.publish('fast', '')))
  await subscriber.waitFor(1)
  await other.publish('other', '')
  await sent
  await subscriber.waitFor(31)
  return subscriber.received.at(-1)?.topic
}

/** By what the broker tells of publishes, and whom it believes. */
/** What becomes of a publish that is there when the rules change. */
const erased = async ({ t, port }: Scene) => {
  const admin = await TestAdmin.connect(t, port)
  await admin.client.publish('kept', 'for a while')
  const look = async () => (await admin.records({ topic: 'kept' }))[0]?.erased
  return eventually(look, (found) => found !== undefined)
}

export const trustCases = {
  notary_retention: {
    before: [base, 'notary_admin anonymous', 'notary_retention bodies count 5'],
    after: [base, 'notary_admin anonymous', 'notary_retention bodies count 0'],
    look: erased,
    expected: [unseen, 'body'],
  },
  notary_protect: { before: [base], after: [base, isSigned], look: unsigned, expected: [0, 0x87] },
  notary_keys: {
    before: [base, isSigned],
    after: [base, isSigned, keys],
    prepare: makeKeys,
    look: signed(),
    expected: [0x87, 0],
  },
  notary_key: {
    before: [base, keys],
    after: [base, keys, 'notary_key device topics other/#'],
    prepare: makeKeys,
    look: signed(),
    expected: [0, 0x87],
  },
  notary_clock_skew: {
    before: [base, keys],
    after: [base, keys, 'notary_clock_skew 5'],
    prepare: makeKeys,
    look: signed(60_000),
    expected: [0, 0x87],
  },
  notary_checkpoint_interval: {
    before: [base, isAdmin, 'notary_checkpoint_interval 86400000'],
    after: [base, isAdmin, 'notary_checkpoint_interval 100'],
    look: async ({ t, port }) => {
      const admin = await TestAdmin.connect(t, port)
      return (await admin.request('audit.status', {})).checkpoint !== null
    },
    expected: [false, true],
  },
  notary_provenance: {
    before: [base, keys],
    after: [base, keys, 'notary_provenance plant/#'],
    prepare: makeKeys,
    look: shown(({ properties }) => properties?.userProperties?.['notarymq-auth']),
    expected: [undefined, 'none'],
  },
  notary_unwrap: {
    before: [base, keys],
    after: [base, keys, 'notary_unwrap plant/#'],
    prepare: makeKeys,
    look: shown(({ payload }) => payload.toString() === '21.5'),
    expected: [false, true],
  },
  notary_refuse_v3: {
    before: [base, isSigned],
    after: [base, isSigned, 'notary_refuse_v3 disconnect'],
    look: refusedV3,
    expected: ['its acknowledgement', 'the end'],
  },
  notary_ack_index: {
    before: [base],
    after: [base, 'notary_ack_index true'],
    look: puback,
    expected: [[], ['notarymq-index']],
  },
  notary_failure_budget: {
    before: [base, keys, 'notary_failure_budget 0'],
    after: [base, keys, 'notary_failure_budget 1'],
    prepare: makeKeys,
    look: forging,
    expected: ['refused', 'closed'],
  },
  notary_publish_rate: {
    before: [base],
    after: [base, 'notary_publish_rate 20 1'],
    look: lastOfTwo,
    expected: ['other', 'fast'],
  },
  notary_bind_client_id: {
    before: ['password_file DIR/passwords'],
    after: ['password_file DIR/passwords', 'notary_bind_client_id true'],
    prepare: ({ directory }) => writeFileSync(join(directory, 'passwords'), `${passwordLine('ann', 'apple')}\n`),
    look: ({ t, port }) => enter(t, port, { clientId: 'bob-1', username: 'ann', password: 'apple' }),
    expected: [0, 0x87],
  },
} satisfies Record<string, ReloadCase>
