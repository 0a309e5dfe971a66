import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from '../../helpers/broker.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, departureOf, enter, Program } from './support.ts'

const ann = { username: 'ann', password: 'secret-a' }
const bob = { username: 'bob', password: 'secret-b' }
/** Made once: with another salt it is another record, and who came in by the old one has to go. */
const [annsLine, bobsLine] = [ann, bob].map(({ username, password }) => passwordLine(username, password)) as [
  string,
  string,
]
const refused = 0x87
const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('')

test('logins and rights for the whole broker, and what a SIGHUP changes', async (t) => {
  const directory = temporaryDirectory(t)
  const [passwords, acl] = [join(directory, 'passwords'), join(directory, 'acl')]
  const port = await freePort()
  const config = (...more: string[]) => [
    `persistence_location ${temporaryDirectory(t)}`,
    `listener ${port} 127.0.0.1`,
    `password_file ${passwords}`,
    `acl_file ${acl}`,
    'allow_zero_length_clientid false',
    ...more,
  ]
  writeFileSync(passwords, lines(annsLine, bobsLine))
  writeFileSync(acl, lines('topic readwrite free/#', 'user ann', 'topic readwrite #', 'user bob', 'topic write bob/#'))
  const program = await Program.start(t, config('allow_anonymous false'))

  await t.test('password_file lets in who gives the right password, allow_anonymous false nobody else', async (t) => {
    covers('password_file', 'allow_anonymous')
    const codes = []
    for (const login of [ann, { ...ann, password: 'wrong' }, { username: 'eve', password: 'secret-a' }, {}]) {
      codes.push(await enter(t, port, login))
    }
    assert.deepEqual(codes, [0, refused, refused, refused])
  })

  await t.test('acl_file says who may write and read which topics', async (t) => {
    covers('acl_file')
    const reader = await TestClient.connect(t, port, bob)
    await reader.subscribe('#', 1)
    const writer = await TestClient.connect(t, port, bob)
    assert.deepEqual([await writer.publish('bob/x', '1'), await writer.publish('ann/x', '2')], [0, refused])
    const all = await TestClient.connect(t, port, ann)
    await all.subscribe('#', 1)
    await writer.publish('bob/x', '3')
    await all.waitFor(1)
    assert.deepEqual(reader.received, [])
  })

  await t.test('allow_zero_length_clientid false refuses who has no client id', async (t) => {
    covers('allow_zero_length_clientid')
    assert.equal(await enter(t, port, { ...ann, clientId: '' }), 0x85)
  })

  await t.test('SIGHUP reads password_file: who is not in it any more has to go, the others stay', async (t) => {
    const [stays, goes] = [await TestClient.connect(t, port, ann), await TestClient.connect(t, port, bob)]
    const gone = departureOf(goes)
    const changed = { username: 'bob', password: 'secret-c' }
    writeFileSync(passwords, lines(annsLine, passwordLine('bob', 'secret-c')))
    await program.reload()
    await gone
    assert.deepEqual([await enter(t, port, bob), await enter(t, port, changed)], [refused, 0])
    assert.equal(await stays.publish('ann/x', 'x'), 0)
    writeFileSync(passwords, lines(annsLine, bobsLine))
    await program.reload()
  })

  await t.test('SIGHUP reads acl_file: it holds for live subscriptions; a broken one changes nothing', async (t) => {
    const reader = await TestClient.connect(t, port, bob)
    await reader.subscribe('#', 1)
    const writer = await TestClient.connect(t, port, ann)
    await writer.publish('news', 'not for bob')
    writeFileSync(acl, lines('user ann', 'topic write #', 'user bob', 'topic read news'))
    await program.reload()
    await writer.publish('news', 'for bob')
    const [first] = await reader.waitFor(1)
    assert.equal(`${first?.payload}`, 'for bob')
    writeFileSync(acl, lines('user ann', 'tpoic read #'))
    await program.reloadFails()
    await writer.publish('news', 'still for bob')
    assert.deepEqual(
      (await reader.waitFor(2)).map(({ payload }) => `${payload}`),
      ['for bob', 'still for bob'],
    )
    writeFileSync(acl, lines('topic readwrite free/#', 'user ann', 'topic readwrite #'))
    await program.reload()
  })

  await t.test('SIGHUP takes over allow_anonymous both ways; a misspelled file changes nothing', async (t) => {
    program.rewrite(config('allow_anonymous true'))
    await program.reload()
    const anonymous = await TestClient.connect(t, port)
    assert.deepEqual([await anonymous.publish('free/x', 'x'), await anonymous.publish('y', 'y')], [0, refused])
    program.rewrite(config('allow_anonymus false'))
    await program.reloadFails()
    assert.equal(await enter(t, port), 0)
    assert.equal(anonymous.mqtt.connected, true)
    const gone = departureOf(anonymous)
    program.rewrite(config('allow_anonymous false'))
    await program.reload()
    await gone
    assert.equal(await enter(t, port), refused)
    assert.equal(await enter(t, port, ann), 0)
  })
})

test('per_listener_settings gives each listener its own logins and rights, those of plugins too', async (t) => {
  covers('per_listener_settings', 'auto_id_prefix', 'plugin', 'plugin_opt_password_file', 'plugin_opt_acl_file')
  const directory = temporaryDirectory(t)
  const [open, strict] = [await freePort(), await freePort()]
  writeFileSync(join(directory, 'passwords'), lines(annsLine))
  writeFileSync(join(directory, 'acl'), lines('user ann', 'topic readwrite ann/#'))
  await Program.start(t, [
    'per_listener_settings true',
    `persistence_location ${temporaryDirectory(t)}`,
    `listener ${open} 127.0.0.1`,
    'allow_anonymous true',
    'auto_id_prefix open-',
    `listener ${strict} 127.0.0.1`,
    'plugin /usr/lib/mosquitto_password_file.so',
    `plugin_opt_password_file ${join(directory, 'passwords')}`,
    'plugin /usr/lib/mosquitto_acl_file.so',
    `plugin_opt_acl_file ${join(directory, 'acl')}`,
  ])
  const wrong = { ...ann, password: 'wrong' }
  assert.deepEqual([await enter(t, open), await enter(t, open, wrong)], [0, 0])
  assert.deepEqual(
    [await enter(t, strict), await enter(t, strict, wrong), await enter(t, strict, ann)],
    [refused, refused, 0],
  )
  const inside = await TestClient.connect(t, strict, { ...ann, clientId: '' })
  assert.match(inside.connack?.properties?.assignedClientIdentifier ?? '', /^auto-/)
  assert.deepEqual([await inside.publish('ann/x', '1'), await inside.publish('eve/x', '2')], [0, refused])
  const outside = await TestClient.connect(t, open, { clientId: '' })
  assert.match(outside.connack?.properties?.assignedClientIdentifier ?? '', /^open-/)
  await outside.subscribe('#', 1)
  assert.equal(await outside.publish('eve/x', '3'), 0)
})

test('global_plugin stands for all listeners; client ids begin as clientid_prefixes says; check_retain_source false keeps what was written', async (t) => {
  covers('global_plugin', 'clientid_prefixes', 'check_retain_source')
  const directory = temporaryDirectory(t)
  const [passwords, acl] = [join(directory, 'passwords'), join(directory, 'acl')]
  const [one, two] = [await freePort(), await freePort()]
  writeFileSync(passwords, lines(annsLine, bobsLine))
  writeFileSync(acl, lines('user ann', 'topic readwrite #', 'user bob', 'topic readwrite bob/#'))
  const program = await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    'global_plugin mosquitto_password_file.so',
    `plugin_opt_password_file ${passwords}`,
    `acl_file ${acl}`,
    'clientid_prefixes test-',
    'check_retain_source false',
    `listener ${one} 127.0.0.1`,
    `listener ${two} 127.0.0.1`,
  ])
  for (const port of [one, two]) assert.deepEqual([await enter(t, port), await enter(t, port, ann)], [refused, 0])
  assert.equal(await enter(t, one, { ...ann, clientId: 'rest-1' }), refused)
  const writer = await TestClient.connect(t, one, bob)
  await writer.publish('bob/kept', 'kept', { qos: 1, retain: true })
  writeFileSync(acl, lines('user ann', 'topic readwrite #'))
  await program.reload()
  assert.equal(await writer.publish('bob/kept', 'more'), refused)
  const reader = await TestClient.connect(t, two, ann)
  await reader.subscribe('bob/#', 1)
  const [kept] = await reader.waitFor(1)
  assert.deepEqual([`${kept?.payload}`, kept?.retain], ['kept', true])
})
