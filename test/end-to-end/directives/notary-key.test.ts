import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { keysDirectory } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { mqttVersions } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { Signer } from '../../helpers/signing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { Device, refusedAt } from '../trust/device.ts'
import { covers, openBroker } from './support.ts'

const names = ['of-clients', 'of-users', 'of-topics', 'of-both', 'no-clock', 'narrow', 'gateway', 'free'] as const
const keys = Object.fromEntries(names.map((name, i) => [name, numberedKey(i + 1)]))
const signerOf = (name: (typeof names)[number]) => new Signer(keys[name] ?? assert.fail(name))

const keyLines = [
  'notary_key of-clients clients press-* clients *:spare',
  'notary_key of-users users ann users b*',
  'notary_key of-topics topics plant/+ hall/#',
  'notary_key of-both clients press-1 topics plant/#',
  'notary_key no-clock clock none',
  'notary_key narrow window 64',
  'notary_key gateway gateway',
]

async function start(t: TestContext) {
  const passwords = join(temporaryDirectory(t), 'passwords')
  writeFileSync(passwords, ['ann', 'bob', 'eve'].map((name) => `${passwordLine(name, 'secret')}\n`).join(''))
  const { port } = await openBroker(t, [
    `password_file ${passwords}`,
    'notary_admin anonymous',
    `notary_keys ${keysDirectory(t, keys)}`,
    'notary_protect fresh/# fresh 60',
    'notary_protect mac/# mac',
    ...keyLines,
  ])
  return { port, admin: await TestAdmin.connect(t, port) }
}

for (const { name: versionName, version } of mqttVersions) {
  test(`${versionName}: notary_key says for which clients, users and topics a key may sign`, async (t) => {
    covers('notary_key')
    const { port, admin } = await start(t)
    const login = (username: string) => ({ username, password: 'secret' })
    const cases: readonly [
      key: (typeof names)[number],
      clientId: string,
      topic: string,
      may: boolean,
      user?: string,
    ][] = [
      ['of-clients', 'press-1', 'a', true],
      ['of-clients', 'robot:spare', 'a', true],
      ['of-clients', 'press', 'a', false],
      ['of-clients', 'my-press-1', 'a', false],
      ['of-users', 'u', 'a', true, 'ann'],
      ['of-users', 'u', 'a', true, 'bob'],
      ['of-users', 'u', 'a', false, 'eve'],
      ['of-users', 'ann', 'a', false],
      ['of-topics', 'x', 'plant/1', true],
      ['of-topics', 'x', 'hall/1/2/3', true],
      ['of-topics', 'x', 'plant/1/2', false],
      ['of-both', 'press-1', 'plant/1', true],
      ['of-both', 'press-1', 'hall/1', false],
      ['of-both', 'press-2', 'plant/1', false],
      ['free', 'anybody', 'any/thing', true],
    ]
    const code = version.protocolVersion === 5 ? 0x87 : 0
    let seq = 0
    for (const [key, clientId, topic, may, user] of cases) {
      const options = { ...version, clientId, ...(user === undefined ? {} : login(user)) }
      const device = await Device.connect(t, port, signerOf(key), options)
      assert.equal(await device.publish(topic, 'x', { seq: ++seq }), may ? 0 : code, [key, clientId, topic].join(' '))
      await device.client.end()
    }
    assert.deepEqual(await refusedAt(admin), { 'key-restricted': cases.filter(([, , , may]) => !may).length })
    assert.deepEqual(
      (await admin.publishes()).map(({ subject }) => subject),
      cases.filter(([, , , may]) => may).map(([key]) => key),
    )
  })
}

test('notary_key: a device without a clock, a narrow window, a gateway', async (t) => {
  covers('notary_key')
  const { port, admin } = await start(t)
  const ofDevice = (name: (typeof names)[number]) => Device.connect(t, port, signerOf(name))
  const day = 86_400_000

  const noClock = await ofDevice('no-clock')
  for (const timeMs of [0, Date.now() + day]) assert.equal(await noClock.publish('a', 'x', { timeMs }), 0)
  assert.equal(await noClock.publish('fresh/a', 'x'), 0x87)
  const free = await ofDevice('free')
  assert.equal(await free.publish('a', 'x', { timeMs: Date.now() + day }), 0x87)
  assert.deepEqual(await refusedAt(admin), { 'not-fresh': 1, 'signed-in-future': 1 })

  for (const [device, size] of [[await ofDevice('narrow'), 64] as const, [free, 1024] as const]) {
    assert.equal(await device.publish('a', 'x', { seq: 5000 }), 0)
    assert.equal(await device.publish('a', 'x', { seq: 5000 - size + 1 }), 0)
    assert.equal(await device.publish('a', 'x', { seq: 5000 - size }), 0x87)
  }
  assert.equal((await refusedAt(admin))['seq-too-old'], 2)

  const [gateway, other] = [await ofDevice('gateway'), await ofDevice('of-topics')]
  await gateway.agree(admin)
  await other.agree(admin)
  const sensor = signerOf('free')
  sensor.seq = 6000
  assert.equal(await gateway.signAs(sensor).publish('mac/a', 'x', { mac: true }), 0)
  assert.equal(await other.signAs(sensor).publish('mac/a', 'x', { mac: true }), 0x87)
  assert.equal((await refusedAt(admin))['mac-key-mismatch'], 1)
})
