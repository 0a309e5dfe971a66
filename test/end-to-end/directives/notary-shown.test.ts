import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toBase64url } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { mqttVersions, TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { Device, subscriber } from '../trust/device.ts'
import { covers, enter, openBroker } from './support.ts'

const key = numberedKey(1)

test('notary_provenance and notary_unwrap show subscribers of every version what they are for, on their topics alone', async (t) => {
  covers('notary_provenance', 'notary_unwrap')
  const { port } = await openBroker(t, [
    'notary_admin anonymous',
    `notary_keys ${keysDirectory(t, { device: key })}`,
    'notary_provenance told/#',
    'notary_unwrap bare/#',
    'notary_unwrap told/bare',
  ])
  const admin = await TestAdmin.connect(t, port)
  const readers = await Promise.all(mqttVersions.map(({ version }) => subscriber(t, port, '#', version)))
  const device = await Device.connect(t, port, key, { clientId: 'press-7' })
  const topics = ['plain', 'told/x', 'bare/x', 'told/bare']
  const made = topics.map((topic) => device.make(topic, 'inner', { user: { unit: 'C' } }))
  for (const [i, topic] of topics.entries()) assert.equal(await device.send(topic, made[i] ?? assert.fail()), 0)
  const records = await admin.publishes()
  const told = (i: number) => [
    ['notarymq-index', `${records[i]?.index}`],
    ['notarymq-client', 'press-7'],
    ['notarymq-auth', 'none'],
    ['notarymq-key', toBase64url(key.thumbprint)],
    ['notarymq-time', records[i]?.time],
  ]
  const inner = Buffer.from('inner')
  const payloads = [made[0]?.payload, made[1]?.payload, inner, inner]
  for (const [i, reader] of readers.entries()) {
    await reader.waitFor(4)
    assert.deepEqual(
      reader.received.map(({ payload }) => payload),
      payloads,
    )
    const unit = ['unit', 'C']
    const isTold = mqttVersions[i]?.version.protocolVersion === 5
    assert.deepEqual(
      reader.received.map(({ userProperties }) => userProperties),
      isTold ? [[unit], [unit, ...told(1)], [unit], [unit, ...told(3)]] : [[], [], [], []],
    )
  }
})

test('notary_ack_index tells MQTT 5 publishers where the record stands, of a copy the first one', async (t) => {
  covers('notary_ack_index')
  const { port } = await openBroker(t, [
    'notary_admin anonymous',
    `notary_keys ${keysDirectory(t, { device: key })}`,
    'notary_protect plant/# signed',
    'notary_ack_index true',
  ])
  const admin = await TestAdmin.connect(t, port)
  const device = await Device.connect(t, port, key)
  const told: unknown[] = []
  device.client.mqtt.on('packetreceive', (packet) => {
    if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec') return
    told.push([packet.cmd, { ...packet.properties?.userProperties }])
  })
  const twice = device.make('plant/1', 'twice')
  assert.equal(await device.client.publish('free', 'x'), 0)
  assert.equal(await device.send('plant/1', twice, { qos: 2 }), 0)
  assert.equal(await device.send('plant/1', twice, { qos: 1 }), 0)
  assert.equal(await device.send('plant/1', twice, { qos: 2 }), 0)
  assert.equal(await device.client.publish('plant/1', 'refused'), 0x87)
  const [free, first] = (await admin.publishes()).map(({ index }) => ({ 'notarymq-index': `${index}` }))
  assert.deepEqual(told, [
    ['puback', free],
    ['pubrec', first],
    ['puback', first],
    ['pubrec', first],
    ['puback', {}],
  ])
  const old = await TestClient.connect(t, port, { protocolVersion: 4 })
  assert.equal(await old.publish('free', 'x'), 0)
})

for (const { name, version } of mqttVersions) {
  test(`${name}: notary_bind_client_id lets a proven name have its client ids, and nobody else`, async (t) => {
    covers('notary_bind_client_id')
    const passwords = join(temporaryDirectory(t), 'passwords')
    writeFileSync(passwords, `${passwordLine('ann', 'secret')}\n`)
    const { port } = await openBroker(t, [`password_file ${passwords}`, 'notary_bind_client_id true'])
    const ann = { ...version, username: 'ann', password: 'secret' }
    for (const clientId of ['ann', 'ann-1', 'ann/phone', 'ann:2', 'ann_']) {
      assert.equal(await enter(t, port, { ...ann, clientId }), 0, clientId)
    }
    const refusal = version.protocolVersion === 5 ? 0x87 : 5
    for (const clientId of ['anna', 'bob', 'ANN', 'an', '-ann']) {
      assert.equal(await enter(t, port, { ...ann, clientId }), refusal, clientId)
    }
    assert.equal(await enter(t, port, { ...version, clientId: 'ann' }), refusal)
    // The broker chose it, so it is nobody's. MQTT 3.1 knows no such thing.
    if (version.protocolVersion !== 3) assert.equal(await enter(t, port, { ...version, clientId: '' }), 0)
  })
}
