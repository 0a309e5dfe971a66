import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { createServer } from 'node:tls'
import { Authority } from '../../../broker/certificates/authority.ts'
import { parseHostName } from '../../../broker/certificates/names.ts'
import { ScriptedRemote } from '../../broker/bridges/scripted-remote.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, eventually, Program, sysMessages } from './support.ts'

/** A client that has subscribed to everything but `$SYS`. */
async function listenerAt(t: TestContext, port: number): Promise<TestClient> {
  const client = await TestClient.connect(t, port)
  await client.subscribe('#', 1)
  return client
}

/**
 * TLS in front of a broker under a name that nobody here has, for those only who ask for the protocol `x-mqtt`.
 * @returns its port
 */
async function startFront(t: TestContext, authority: Authority, target: number): Promise<number> {
  const { certFile, keyFile } = await authority.issueServer([parseHostName('elsewhere.example')], 1, true)
  const [cert, key] = [readFileSync(certFile), readFileSync(keyFile)]
  const server = createServer({ cert, key, ALPNProtocols: ['x-mqtt'] })
  server.listen(0, '127.0.0.1')
  const sockets = new Set<Duplex>()
  const end = () => {
    for (const socket of sockets) socket.destroy()
  }
  atEnd(t, () => {
    end()
    server.close()
  })
  await once(server, 'listening')
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol !== 'x-mqtt') {
      socket.destroy()
      return
    }
    const onward = connect({ host: '127.0.0.1', port: target })
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  return (server.address() as AddressInfo).port
}

test('bridges between two running programs', async (t) => {
  const directory = temporaryDirectory(t)
  const passwords = join(directory, 'passwords')
  writeFileSync(passwords, `${passwordLine('u1', 'p1')}\n${passwordLine('u2', 'p2')}\n`)
  const authority = await Authority.open(directory)
  const server = await authority.issueServer([parseHostName('127.0.0.1')], 1, false)
  const client = await authority.issueClient('bridge', 1, false)
  const { certFile: caFile } = authority
  const [herePort, therePort, securePort] = [await freePort(), await freePort(), await freePort()]
  const there = await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    'log_type all',
    'allow_anonymous true',
    `password_file ${passwords}`,
    `listener ${therePort} 127.0.0.1`,
    ...[`listener ${securePort} 127.0.0.1`, `certfile ${server.certFile}`, `keyfile ${server.keyFile}`],
    ...[`cafile ${caFile}`, 'require_certificate true', 'use_identity_as_username true'],
  ])
  const remotes = [await ScriptedRemote.start(t), await ScriptedRemote.start(t), await ScriptedRemote.start(t)] as const
  const [first, second, third] = remotes
  const front = await startFront(t, authority, therePort)
  const stranger = await Authority.open(temporaryDirectory(t))
  const here = await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    'allow_anonymous true',
    `listener ${herePort} 127.0.0.1`,
    ...['connection full', `address 127.0.0.1:${therePort}`, 'start_type automatic'],
    ...['topic t/# out 1 here/ there/', 'topic c/# in 1 cloud/ site/'],
    ...['remote_clientid full-id', 'remote_username u1', 'remote_password p1'],
    ...['local_clientid full-local', 'local_username lu', 'local_password never-checked'],
    ...['cleansession true', 'local_cleansession false', 'keepalive_interval 17'],
    ...['notification_topic state/full', 'bridge_protocol_version mqttv50'],
    ...['connection second', `addresses 127.0.0.1:${therePort}`, 'topic both/# both 1'],
    ...['clientid second-id', 'username u2', 'password p2', 'notifications_local_only true'],
    ...['connection third', `address 127.0.0.1:${therePort}`, 'topic third/# out 1', 'remote_clientid third-id'],
    ...['notifications false', 'bridge_attempt_unsubscribe false'],
    ...['connection secure', `address 127.0.0.1:${securePort}`, 'topic s/# out 1', 'remote_clientid secure-id'],
    ...[`bridge_cafile ${caFile}`, `bridge_certfile ${client.certFile}`, `bridge_keyfile ${client.keyFile}`],
    ...['connection careless', `address 127.0.0.1:${front}`, 'topic tls/# out 1', 'remote_clientid careless-id'],
    ...[`bridge_cafile ${caFile}`, 'bridge_insecure true', 'bridge_alpn x-mqtt'],
    ...['connection careful', `address 127.0.0.1:${front}`, 'topic tls/# out 1', 'remote_clientid careful-id'],
    ...[`bridge_cafile ${caFile}`, 'bridge_alpn x-mqtt', 'restart_timeout 600'],
    ...['connection silent', `address 127.0.0.1:${front}`, 'topic tls/# out 1', 'remote_clientid silent-id'],
    ...[`bridge_cafile ${caFile}`, 'bridge_insecure true', 'restart_timeout 600'],
    ...['connection betrayed', `address 127.0.0.1:${front}`, 'topic tls/# out 1', 'remote_clientid betrayed-id'],
    ...[`bridge_cafile ${stranger.certFile}`, 'bridge_insecure true', 'bridge_alpn x-mqtt', 'restart_timeout 600'],
    ...['connection turns', `address ${remotes.map(({ port }) => `127.0.0.1:${port}`).join(' ')}`, 'topic x/# out 1'],
    ...['round_robin true', 'restart_timeout 1 1', 'try_private false', 'notifications false'],
  ])
  const arrival = (id: string) => there.says(new RegExp(` as ${id} `))

  await t.test('address, client id, login, version and keep alive are those of the connection block', async () => {
    covers('connection', 'address', 'addresses', 'remote_clientid', 'clientid', 'start_type')
    covers('remote_username', 'remote_password', 'username', 'password')
    covers('cleansession', 'keepalive_interval', 'bridge_protocol_version')
    assert.match(await arrival('full-id'), /\(p5, c1, k17, u'u1'\)/)
    assert.match(await arrival('second-id'), /\(p2, c0, k60, u'u2'\)/)
    assert.match(await arrival('third-id'), /\(p2, c0, k60\)/)
  })

  await t.test(
    'local_clientid, local_username and local_cleansession name the client here; as with Mosquitto nobody asks for local_password',
    async () => {
      covers('local_clientid', 'local_username', 'local_password', 'local_cleansession')
      assert.match(await here.says(/ as full-local /), /\(p5, c0, k0, u'lu'\)/)
      assert.match(await here.says(/ as local\.\S*third-id /), /\(p5, c0, k0\)/)
    },
  )

  await t.test('topic passes on what it says, under its prefixes', async (t) => {
    covers('topic')
    const [one, other] = [await listenerAt(t, herePort), await listenerAt(t, therePort)]
    await one.publish('here/t/x', 'out')
    await other.publish('site/c/x', 'in')
    await one.publish('both/x', 'one')
    await other.publish('both/x', 'other')
    await one.publish('not/this', 'x')
    const told = (client: TestClient) => client.received.map(({ topic, payload }) => `${topic} ${payload}`)
    await other.waitFor(1, ({ topic }) => topic === 'there/t/x')
    await other.waitFor(2, ({ topic }) => topic === 'both/x')
    await one.waitFor(1, ({ topic }) => topic === 'cloud/c/x')
    await one.waitFor(2, ({ topic }) => topic === 'both/x')
    assert.equal(told(other).includes('not/this x'), false)
    assert.deepEqual(
      told(one)
        .filter((line) => line.startsWith('both/'))
        .sort(),
      ['both/x one', 'both/x other'],
    )
  })

  await t.test('notifications say there and here that a bridge is up, where they are asked for', async (t) => {
    covers('notifications', 'notifications_local_only', 'notification_topic')
    const state = (id: string) => `$SYS/broker/connection/${id}/state`
    const [near, far] = [await listenerAt(t, herePort), await listenerAt(t, therePort)]
    for (const watcher of [near, far]) {
      const [up] = await watcher.waitFor(1, ({ topic }) => topic === 'state/full')
      assert.equal(`${up?.payload}`, '1')
    }
    const [hereSys, thereSys] = [await sysMessages(t, herePort), await sysMessages(t, therePort)]
    assert.deepEqual([hereSys.get(state('second-id')), thereSys.get(state('second-id'))], ['1', undefined])
    for (const id of ['full-id', 'third-id']) {
      assert.deepEqual([hereSys.has(state(id)), thereSys.has(state(id))], [false, false], id)
    }
    assert.deepEqual([hereSys.get(state('secure-id')), thereSys.get(state('secure-id'))], ['1', '1'])
  })

  await t.test('bridge_attempt_unsubscribe takes back there what out topics might have left', async () => {
    covers('bridge_attempt_unsubscribe')
    await there.says(/: full-id there\/t\/#$/)
    assert.equal(there.count(/: third-id third\/#$/), 0)
  })

  await t.test('bridge_cafile, bridge_certfile and bridge_keyfile speak TLS with a name of their own', async () => {
    covers('bridge_cafile', 'bridge_certfile', 'bridge_keyfile')
    assert.match(await arrival('secure-id'), /u'bridge'/)
  })

  await t.test(
    'bridge_insecure takes a certificate of another name but of no other authority, bridge_alpn asks for a protocol',
    async (t) => {
      covers('bridge_insecure', 'bridge_alpn')
      const [near, far] = [await TestClient.connect(t, herePort), await listenerAt(t, therePort)]
      await arrival('careless-id')
      await here.says(/ERR_BRIDGE_UNREACHABLE.*ALTNAME/)
      await here.says(/ERR_BRIDGE_UNREACHABLE.*(SELF_SIGNED|UNABLE_TO_(GET|VERIFY))/)
      await here.says(/ERR_BRIDGE_LOST.*the connection was closed/)
      await near.publish('tls/x', 'x', { qos: 1 })
      await far.waitFor(1, ({ topic }) => topic === 'tls/x')
      assert.equal(there.count(/ as (careful|silent|betrayed)-id /), 0)
    },
  )

  await t.test(
    'round_robin goes on to the next address, try_private false does not call it a bridge, restart_timeout says when',
    async () => {
      covers('round_robin', 'try_private', 'restart_timeout')
      const versions: number[] = []
      for (const remote of [first, second, third, first]) {
        const { socket, versionByte } = await remote.visit()
        versions.push(versionByte)
        socket.destroy()
      }
      assert.deepEqual(versions, [4, 4, 4, 4])
    },
  )

  await t.test('a bridge that ends says so there', async (t) => {
    const far = await listenerAt(t, therePort)
    assert.equal(await here.stop(), 0)
    const down = await far.waitFor(1, ({ topic, payload }) => topic === 'state/full' && `${payload}` === '0')
    assert.equal(down.length, 1)
    await eventually(
      () => sysMessages(t, therePort, '$SYS/broker/connection/#'),
      (messages) => messages.get('$SYS/broker/connection/secure-id/state') === '0',
    )
  })
})

test('a bridge may everything here, whoever local_username and local_password say it is, and its records have that name', async (t) => {
  // As Mosquitto 2.0.11 does: it asks neither password_file nor acl_file about a bridge.
  covers('local_username', 'local_password')
  const directory = temporaryDirectory(t)
  const [passwords, acl] = [join(directory, 'passwords'), join(directory, 'acl')]
  writeFileSync(passwords, `${passwordLine('ann', 'apple')}\n${passwordLine('limited', 'lime')}\n`)
  writeFileSync(acl, 'user ann\ntopic readwrite #\ntopic readwrite $notary/#\nuser limited\ntopic read nothing\n')
  const [herePort, therePort] = [await freePort(), await freePort()]
  const open = [`persistence_location ${temporaryDirectory(t)}`, 'allow_anonymous true']
  await Program.start(t, [...open, `listener ${therePort} 127.0.0.1`])
  const here = await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    `listener ${herePort} 127.0.0.1`,
    ...['allow_anonymous false', `password_file ${passwords}`, `acl_file ${acl}`, 'notary_admin ann'],
    ...['connection named', `address 127.0.0.1:${therePort}`, 'topic out/# out 1', 'topic in/# in 1'],
    ...['local_username limited', 'local_password wrong', 'notification_topic state'],
  ])
  const ann = { username: 'ann', password: 'apple' }
  const admin = await TestAdmin.connect(t, herePort, ann)
  const [near, far] = [await TestClient.connect(t, herePort, ann), await listenerAt(t, therePort)]
  await near.subscribe('#', 1)
  await near.waitFor(1, ({ topic, payload }) => topic === 'state' && `${payload}` === '1')
  await near.publish('out/x', 'x', { qos: 1 })
  await far.waitFor(1, ({ topic }) => topic === 'out/x')
  await far.publish('in/x', 'x', { qos: 1 })
  await near.waitFor(1, ({ topic }) => topic === 'in/x')
  const { records } = await admin.request('audit.query', { topic: 'in/#' })
  assert.deepEqual(
    records.map(({ username, listener }) => [username, listener]),
    [['limited', 'bridge:named']],
  )
  assert.equal(here.count(/Error|Denied/), 0)
})

test('what a topic line no longer says is taken out of the session here, which keeps the rest', async (t) => {
  covers('topic', 'local_cleansession')
  const [location, port, remote] = [temporaryDirectory(t), await freePort(), await ScriptedRemote.start(t)]
  const start = (...topics: readonly string[]) =>
    Program.start(t, [
      ...[`persistence_location ${location}`, 'allow_anonymous true', `listener ${port} 127.0.0.1`],
      ...['connection site', `address 127.0.0.1:${remote.port}`, 'local_clientid site', 'cleansession false'],
      ...[...topics, 'notification_topic state', 'notifications_local_only true'],
    ])
  const told: (readonly string[])[] = []
  for (const topics of [['topic old/# out 1', 'topic kept/# out 1'], ['topic kept/# out 1']]) {
    const program = await start(...topics)
    const client = await TestClient.connect(t, port)
    await client.subscribe('state', 0)
    await client.waitFor(1, ({ payload }) => `${payload}` === '1')
    await client.end()
    program.child.kill('SIGUSR2')
    await program.says(/ site 1 kept\/#$/)
    told.push(program.stderr.split('\n').flatMap((line) => / (site 1 .*)$/.exec(line)?.[1] ?? []))
    assert.equal(await program.stop(), 0)
  }
  assert.deepEqual(told, [['site 1 old/#', 'site 1 kept/#'], ['site 1 kept/#']])
})
