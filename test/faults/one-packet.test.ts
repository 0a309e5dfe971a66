import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { Bystander } from '../helpers/bystander.ts'
import {
  acknowledgement,
  connectPacket,
  type MqttVersion,
  pingPacket,
  publishPacket,
  sessionExpiry,
  subscribePacket,
  unsubscribePacket,
  userProperty,
} from '../helpers/mqtt-bytes.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'

// engine.md section 3: each of these packets ends the process of the bare engine, or breaks a rule. Here they meet the
// real broker in a process of its own, while other clients use it.

/** Names that every plain object knows already. */
const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] as const
const versions = [4, 5] as const

interface Attacked {
  readonly broker: SpawnedBroker
  readonly bystander: Bystander
}

async function attacked(t: TestContext, lines: readonly string[] = []): Promise<Attacked> {
  const broker = await spawnBroker(t, { lines })
  return { broker, bystander: await Bystander.of(t, broker) }
}

/** A session that outlives its connection, in either version. */
function persistent(clientId: string, version: MqttVersion) {
  return { clientId, version, clean: false, ...(version === 5 ? { properties: sessionExpiry(3600) } : undefined) }
}

/** SUBSCRIBE and the reason codes of its SUBACK; nothing when the broker ends the connection instead. */
async function subscribe(
  client: RawMqtt,
  filters: readonly string[],
  version: MqttVersion,
): Promise<number[] | undefined> {
  client.write(subscribePacket(7, filters, 1, version))
  try {
    const { body } = await client.next('suback')
    return [...body.subarray(version === 5 ? 3 : 2)]
  } catch {
    return undefined
  }
}

for (const version of versions) {
  test(`client ids that every object has as a property are ordinary client ids (version ${version}, engine row 1)`, async (t) => {
    const { broker, bystander } = await attacked(t)
    for (const clientId of inherited) {
      const first = await RawMqtt.connect(t, broker.port, { clientId, version })
      assert.deepEqual(await subscribe(first, ['row/1'], version), [1])
      first.write(publishPacket({ topic: 'row/1', payload: clientId, qos: 1, version }))
      await first.next('puback')
      assert.ok((await first.next('publish')).body.includes(clientId))
      const second = await RawMqtt.connect(t, broker.port, { clientId, version })
      await first.closed
      second.reset()
      const session = await RawMqtt.connect(t, broker.port, persistent(clientId, version))
      assert.deepEqual(await subscribe(session, ['row/1'], version), [1])
      session.reset()
      const resumed = await RawMqtt.open(t, broker.port)
      resumed.write(connectPacket(persistent(clientId, version)))
      assert.equal((await resumed.next('connack')).body[0], 1, 'session present')
      resumed.reset()
      await bystander.assertUnharmed(`client id ${clientId}`)
    }
    const ids = (await bystander.recordsOf('row/1')).map((record) => record.clientId)
    assert.deepEqual(ids, [...inherited])
  })

  test(`such names are ordinary topics and filters, alone (version ${version}, engine rows 2 and 3)`, async (t) => {
    const { broker, bystander } = await attacked(t)
    for (const name of inherited) {
      const client = await RawMqtt.connect(t, broker.port, { clientId: 'attacker', version })
      client.write(unsubscribePacket(1, [name], version))
      await client.next('unsuback')
      assert.deepEqual(await subscribe(client, [name], version), [1], name)
      await subscribe(client, ['#'], version)
      client.write(publishPacket({ topic: name, payload: 'x', qos: 1, version }))
      await client.next('puback')
      assert.ok((await client.next('publish')).body.includes(name))
      client.write(unsubscribePacket(2, [name], version), unsubscribePacket(3, [name], version))
      await client.next('unsuback')
      await client.next('unsuback')
      client.reset()
      await bystander.assertUnharmed(`filter ${name}`)
      assert.equal((await bystander.recordsOf(name)).length, 1)
    }
  })

  test(`such names in a list of filters harm nobody (version ${version}, engine row 4)`, async (t) => {
    const { broker, bystander } = await attacked(t)
    for (const name of inherited) {
      for (const filters of [
        ['row/4', name],
        [name, 'row/4'],
        [name, name, 'row/4'],
      ]) {
        const client = await RawMqtt.connect(t, broker.port, { clientId: 'attacker', version })
        const granted = await subscribe(client, filters, version)
        assert.deepEqual(
          granted,
          filters.map(() => 1),
          filters.join(),
        )
        const other = await RawMqtt.connect(t, broker.port, { clientId: 'other', version })
        other.write(unsubscribePacket(2, filters, version))
        await other.next('unsuback')
        await bystander.assertUnharmed(`filters ${filters}`)
      }
    }
  })

  test(`a session that subscribed to such names one by one can be resumed (version ${version})`, async (t) => {
    const { broker, bystander } = await attacked(t)
    for (const name of inherited) {
      const connect = persistent(`session-${name}`, version)
      const client = await RawMqtt.connect(t, broker.port, connect)
      assert.deepEqual(await subscribe(client, ['row/4'], version), [1])
      assert.deepEqual(await subscribe(client, [name], version), [1])
      client.reset()
      await bystander.assertUnharmed(`a session with ${name}`)
      const resumed = await RawMqtt.open(t, broker.port)
      resumed.write(connectPacket(connect))
      assert.equal((await resumed.next('connack')).body[0], 1, `session with ${name} present`)
      resumed.write(publishPacket({ topic: name, payload: 'x', qos: 1, version }))
      assert.ok((await resumed.next('publish')).body.includes(name), `subscription to ${name} kept`)
      await bystander.assertUnharmed(`a resumed session with ${name}`)
    }
  })

  for (const persistence of [true, false]) {
    test(`50 PUBRELs in one read are answered by 50 PUBCOMPs (version ${version}, persistence ${persistence}, engine row 5)`, async (t) => {
      const { broker, bystander } = await attacked(t, [`persistence ${persistence}`])
      const client = await RawMqtt.connect(t, broker.port, persistent('attacker', version))
      client.write(publishPacket({ topic: 'row/5', payload: 'x', qos: 2, packetId: 9, version }))
      await client.next('pubrec')
      client.write(...Array.from({ length: 50 }, () => acknowledgement('pubrel', 9)))
      for (let i = 0; i < 50; i++) assert.equal((await client.next('pubcomp')).body.readUInt16BE(0), 9)
      client.write(pingPacket)
      await client.next('pingresp')
      await bystander.assertUnharmed('50 PUBRELs')
      assert.equal((await bystander.recordsOf('row/5')).length, 1)
    })
  }

  test(`acknowledgements for packet ids that were never used harm nobody (version ${version})`, async (t) => {
    const { broker, bystander } = await attacked(t)
    for (const connect of [persistent('session', version), { clientId: 'clean', version }]) {
      for (const type of ['pubrec', 'puback', 'pubcomp', 'pubrel'] as const) {
        const client = await RawMqtt.connect(t, broker.port, connect)
        client.write(...Array.from({ length: 50 }, (_, i) => acknowledgement(type, 1000 + i)))
        client.socket.end()
        await client.closed
        await bystander.assertUnharmed(`50 of ${type}`)
      }
    }
  })

  test(`a will whose topic is not a topic name is refused with its CONNECT (version ${version}, engine row 9)`, async (t) => {
    const { broker, bystander } = await attacked(t)
    for (const topic of ['row/9/#', 'row/+/x', '#', '+', '', 'row/9\0']) {
      const client = await RawMqtt.open(t, broker.port)
      client.write(connectPacket({ clientId: 'attacker', version, will: { topic, payload: 'bye', qos: 1 } }))
      const answer = await client.next('connack').catch(() => undefined)
      assert.notEqual(answer?.body[1], 0, topic)
      await client.closed
      await bystander.assertUnharmed(`a will for ${JSON.stringify(topic)}`)
    }
    assert.deepEqual(await bystander.recordsOf('row/#'), [])
  })
}

test('nobody but the broker publishes below $SYS, so that no client can close the connections of others (engine row 11)', async (t) => {
  const { broker, bystander } = await attacked(t)
  const victim = await RawMqtt.connect(t, broker.port, { clientId: 'victim' })
  for (const version of versions) {
    const attacker = await RawMqtt.connect(t, broker.port, { clientId: 'attacker', version })
    for (const topic of ['$SYS/other/new/clients', '$SYS/other/birth', '$SYS/other/heartbeat', '$SYS/x', '$SYS']) {
      for (const qos of [0, 1, 2] as const) {
        attacker.write(publishPacket({ topic, payload: 'victim', qos, version, packetId: 5 }))
        if (qos > 0) await attacker.next(qos === 1 ? 'puback' : 'pubrec')
      }
    }
    const will = { topic: '$SYS/other/new/clients', payload: 'victim' }
    const dying = await RawMqtt.open(t, broker.port)
    dying.write(connectPacket({ clientId: 'dying', version, will }))
    assert.notEqual((await dying.next('connack')).body[1], 0)
  }
  victim.write(pingPacket)
  await victim.next('pingresp')
  await bystander.assertUnharmed('$SYS publishes')
  assert.deepEqual(await bystander.recordsOf('$SYS/#'), [])
})

test('user properties named like what every object has reach subscribers live, retained and from a queue, in their order', async (t) => {
  const { broker, bystander } = await attacked(t)
  const version = 5
  const offline = await RawMqtt.connect(t, broker.port, persistent('offline', version))
  await subscribe(offline, ['properties'], version)
  offline.reset()
  const client = await RawMqtt.connect(t, broker.port, { clientId: 'attacker', version })
  await subscribe(client, ['properties'], version)
  const names = [...inherited, '__proto__', 'constructor', '2', '1', '__proto__']
  const properties = Buffer.concat(names.map((name, i) => userProperty(name, `value ${i}`)))
  client.write(publishPacket({ topic: 'properties', payload: 'x', qos: 1, retain: true, version, properties }))
  await client.next('puback')
  const live = await client.next('publish')
  await subscribe(client, ['properties'], version)
  const retained = await client.next('publish')
  const resumed = await RawMqtt.connect(t, broker.port, persistent('offline', version))
  const queued = await resumed.next('publish')
  for (const { body } of [live, retained, queued]) assert.ok(body.includes(properties))
  await bystander.assertUnharmed('user properties')
})
