import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CborWriter, encodeCbor } from '../../../protocol/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey, type TestKey } from '../../helpers/keys.ts'
import { publishPacket } from '../../helpers/mqtt-bytes.ts'
import { mqttVersions } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { Device, refusedAt, type Sending } from '../trust/device.ts'
import { covers, departureOf, openBroker } from './support.ts'

const keys = { 'press-1': numberedKey(1), 'robot-1': numberedKey(2) }

/** The real program with these lines, and keys in its directory. */
async function start(t: TestContext, lines: readonly string[], named: Readonly<Record<string, TestKey>> = keys) {
  const { port } = await openBroker(t, ['notary_admin anonymous', `notary_keys ${keysDirectory(t, named)}`, ...lines])
  return { port, admin: await TestAdmin.connect(t, port) }
}

/** A COSE_Encrypt0 as far as its form goes: nobody has its key. */
function encrypted(): Uint8Array {
  const unprotected = new Map<number, Uint8Array>([
    [4, Buffer.from('k')],
    [5, Buffer.alloc(12, 1)],
  ])
  const headers = encodeCbor(new Map([[1, 3]]))
  const message = new CborWriter(80).tag(16).array(3).bytes(headers).raw(encodeCbor(unprotected))
  return message.bytes(Buffer.alloc(20, 2)).finish()
}

/** What is tried: under which topic, what, how; and the cause for which it is refused. */
type Attempt = readonly [topic: string, text: string, sending: Sending & { readonly by?: keyof typeof keys }, string?]

for (const { name, version } of mqttVersions) {
  test(`${name}: what each word of notary_protect refuses and admits, and what several lines make together`, async (t) => {
    covers('notary_protect')
    const { port, admin } = await start(t, [
      'notary_protect signed/# signed',
      'notary_protect signed/open/# none',
      'notary_protect mac/# mac',
      'notary_protect fresh/# fresh 60',
      'notary_protect keys/# keys press-*',
      'notary_protect keys/+/both signed keys *-1 fresh 60',
      'notary_protect secret/# encrypted',
      'notary_protect secret/signed signed',
    ])
    const press = await Device.connect(t, port, keys['press-1'], version)
    await press.agree(admin)
    const devices = { 'press-1': press, 'robot-1': press.signAs(keys['robot-1']) }
    const old = { timeMs: Date.now() - 120_000 }
    const attempts: readonly Attempt[] = [
      ['signed/a', 'x', {}],
      ['signed/a', 'x', old],
      ['signed/a', 'x', { signedTopic: 'signed/b' }, 'signature-invalid'],
      ['mac/a', 'x', {}, 'mac-required'],
      ['mac/a', 'x', { mac: true }],
      ['mac/a', 'x', { mac: true, by: 'robot-1' }, 'mac-key-mismatch'],
      ['fresh/a', 'x', {}],
      ['fresh/a', 'x', old, 'not-fresh'],
      ['keys/a', 'x', old],
      ['keys/a', 'x', { by: 'robot-1' }, 'key-not-allowed'],
      ['keys/a/both', 'x', {}],
      ['keys/a/both', 'x', old, 'not-fresh'],
      ['keys/a/both', 'x', { by: 'robot-1' }, 'key-not-allowed'],
      ['secret/a', 'x', {}, 'not-encrypted'],
      ['secret/a', '', { retain: true }],
    ]
    const expected: Record<string, number> = {}
    const code = version.protocolVersion === 5 ? 0x87 : 0
    for (const [topic, text, sending, cause] of attempts) {
      const { by = 'press-1', ...options } = sending
      assert.equal(await devices[by].publish(topic, text, options), cause === undefined ? 0 : code, `${topic} ${cause}`)
      if (cause !== undefined) expected[cause] = (expected[cause] ?? 0) + 1
    }
    // Without an envelope.
    const ciphertext = encrypted()
    const plain: readonly [topic: string, payload: Uint8Array | string, cause?: string][] = [
      ['signed/a', 'x', 'not-signed'],
      ['signed/open/a', 'x'],
      ['mac/a', 'x', 'not-signed'],
      ['fresh/a', 'x', 'not-signed'],
      ['keys/a', 'x', 'not-signed'],
      ['secret/a', 'x', 'not-encrypted'],
      ['secret/a', ciphertext],
      ['secret/signed', ciphertext, 'not-signed'],
      ['secret/signed', press.signer.sign('secret/signed', ciphertext)],
      ['elsewhere', 'x'],
    ]
    for (const [topic, payload, cause] of plain) {
      assert.equal(await press.client.publish(topic, payload), cause === undefined ? 0 : code, `${topic} ${cause}`)
      if (cause !== undefined) expected[cause] = (expected[cause] ?? 0) + 1
    }
    assert.deepEqual(await refusedAt(admin), expected)
    const accepted = [...attempts.map(([, , , cause]) => cause), ...plain.map(([, , cause]) => cause)]
    assert.equal((await admin.publishes()).length, accepted.filter((cause) => cause === undefined).length)
  })

  test(`${name}: notary_refuse_v3 disconnect ends the connection of a client that cannot be told of a refusal, at every QoS`, async (t) => {
    covers('notary_refuse_v3')
    const { port, admin } = await start(t, ['notary_refuse_v3 disconnect', 'notary_protect plant/# signed'])
    for (const qos of [0, 1, 2] as const) {
      const { client } = await Device.connect(t, port, keys['press-1'], version)
      if (version.protocolVersion === 5) {
        assert.equal(await client.publish('plant/1', 'x', { qos }), qos === 0 ? 0 : 0x87)
        assert.equal(await client.publish('free', 'x', { qos: 1 }), 0)
        continue
      }
      const gone = departureOf(client)
      client.mqtt.publish('plant/1', 'x', { qos })
      await gone
    }
    assert.deepEqual(await refusedAt(admin), { 'not-signed': 3 })
  })
}

test('notary_refuse_v3 disconnect: who sends a refused QoS 2 publish again is disconnected again, not left without an answer', async (t) => {
  const { port, admin } = await start(t, ['notary_refuse_v3 disconnect', 'notary_protect plant/# signed'])
  for (const times of [1, 2]) {
    const client = await RawMqtt.connect(t, port, { clientId: 'old', clean: false })
    client.write(publishPacket({ topic: 'plant/1', payload: 'x', qos: 2, packetId: 7, dup: times === 2 }))
    await client.closed
    assert.deepEqual(await refusedAt(admin), { 'not-signed': times })
  }
})

test('notary_clock_skew is how far ahead of the broker a device may be', async (t) => {
  covers('notary_clock_skew')
  const { port, admin } = await start(t, ['notary_clock_skew 3600'])
  const device = await Device.connect(t, port, keys['press-1'])
  const ahead = (seconds: number) => ({ timeMs: Date.now() + seconds * 1000 })
  assert.equal(await device.publish('a', 'x', ahead(3500)), 0)
  assert.equal(await device.publish('a', 'x', ahead(3700)), 0x87)
  assert.deepEqual(await refusedAt(admin), { 'signed-in-future': 1 })
})
