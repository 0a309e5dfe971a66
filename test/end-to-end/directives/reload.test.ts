import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { IClientOptions } from 'mqtt'
import { Authority } from '../../../broker/certificates/authority.ts'
import { parseHostName } from '../../../broker/certificates/names.ts'
import { type DirectiveName, honouredDirectives, loadConfigFile } from '../../../broker/config/index.ts'
import { createBroker, type NotaryBroker } from '../../../broker/index.ts'
import { openWebSocket } from '../../broker/listeners/support.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { connectPacket, PacketSplitter, packetType, pingPacket, subscribePacket } from '../../helpers/mqtt-bytes.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import type { ReloadCase, Scene } from './reload-case.ts'
import { trustCases } from './reload-trust.ts'
import { enter, eventually, sysMessages } from './support.ts'

/** What would only be seen by waiting. */
const unseen = Symbol('unseen')

const statusRequest = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'audit.status' })
const base = 'allow_anonymous true'

async function openScene(t: TestContext): Promise<Scene & { reload: (lines: readonly string[]) => Promise<void> }> {
  const scene = { t, port: await freePort(), directory: temporaryDirectory(t) }
  const [location, other] = [temporaryDirectory(t), await freePort()]
  const configFile = join(scene.directory, 'test.conf')
  let broker: NotaryBroker | undefined
  const reload = async (lines: readonly string[]) => {
    const fixed = [`persistence_location ${location}`, `listener ${scene.port} 127.0.0.1`]
    const log = lines.some((line) => line.startsWith('log_dest')) ? [] : ['log_dest none']
    const text = [...fixed, ...log, ...lines, ''].join('\n')
    writeFileSync(configFile, text.replaceAll('DIR', scene.directory).replaceAll('OTHER', `${other}`))
    const { options } = loadConfigFile(configFile)
    if (broker === undefined) {
      broker = await createBroker(options)
      atEnd(t, () => broker?.close())
    } else await broker.reload(options)
  }
  return { ...scene, reload }
}

type ConnackProperty = NonNullable<NonNullable<TestClient['connack']>['properties']>

/** A property of the CONNACK that a MQTT 5 client gets. */
const told =
  (name: keyof ConnackProperty, options: IClientOptions = {}) =>
  async ({ t, port }: Scene) =>
    (await TestClient.connect(t, port, options)).connack?.properties?.[name]

const comesIn =
  (options: IClientOptions = {}) =>
  ({ t, port }: Scene) =>
    enter(t, port, options)

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

/** Whether a new subscriber gets what was retained. */
const retained = async ({ t, port }: Scene): Promise<boolean> => {
  const client = await TestClient.connect(t, port)
  await client.subscribe('a', 0)
  // Retained messages come with SUBACK; this one comes after them.
  await client.subscribe('end', 0)
  await client.publish('end', '')
  await client.waitFor(1, ({ topic }) => topic === 'end')
  return client.received.some(({ topic }) => topic === 'a')
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

/** Code of the answer to a publish. */
const publishes =
  (topic: string, payload = 'x', options: IClientOptions = {}) =>
  async ({ t, port }: Scene) =>
    (await TestClient.connect(t, port, options)).publish(topic, payload)

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

/** Whether a TLS client with these is served, and by whom. */
const secure =
  (look: (socket: TLSSocket, directory: string) => unknown, more: object = {}) =>
  async ({ port, directory }: Scene): Promise<unknown> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...filesIn(directory, more) })
    const ended = new Promise<'refused'>((resolve) => {
      socket.once('error', () => resolve('refused'))
      socket.once('close', () => resolve('refused'))
    })
    socket.write(connectPacket({ clientId: 'tls', version: 5 }))
    const answer = await Promise.race([
      ended,
      once(socket, 'data').then(([bytes]: Buffer[]) => (bytes?.[3] === 0 ? look(socket, directory) : 'refused')),
    ])
    socket.destroy()
    return answer
  }

function filesIn(directory: string, options: object): object {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      return [name, ['cert', 'key'].includes(name) ? readFileSync(join(directory, `${value}`)) : value]
    }),
  )
}

/** Two authorities, a server and a client of each; `*.list.pem` refuses nobody and everybody. */
async function makeCertificates({ directory }: Scene): Promise<void> {
  writeFileSync(join(directory, 'name.acl'), 'pattern write %u\n')
  for (const name of ['one', 'two']) {
    const authority = await Authority.open(join(directory, name))
    const server = await authority.issueServer([parseHostName('127.0.0.1')], 1, false)
    const client = await authority.issueClient('press', 1, false)
    await authority.issueClient('other', 1, false)
    await authority.revokeClient('other', 1)
    const copies = {
      ca: authority.certFile,
      server: server.certFile,
      'server.key': server.keyFile,
      list: authority.crlFile,
    }
    for (const [copy, path] of Object.entries({ ...copies, client: client.certFile, 'client.key': client.keyFile })) {
      writeFileSync(join(directory, `${name}.${copy}.pem`), readFileSync(path))
    }
    mkdirSync(join(directory, `${name}.path`))
    writeFileSync(join(directory, `${name}.path`, 'ca.pem'), readFileSync(authority.certFile))
    await authority.revokeClient('press', 1)
    writeFileSync(join(directory, `${name}.revoked.pem`), readFileSync(authority.crlFile))
  }
}

const tlsOf = (name: string) => [base, `certfile DIR/${name}.server.pem`, `keyfile DIR/${name}.server.key.pem`]
const mutual = [...tlsOf('one'), 'require_certificate true']
const ca = 'cafile DIR/one.ca.pem'
const clientOf = (name: string) => ({ cert: `${name}.client.pem`, key: `${name}.client.key.pem` })
/** Whose certificate the server shows. */
const server = (socket: TLSSocket, directory: string) => {
  const shown = socket.getPeerX509Certificate()?.fingerprint256
  return ['one', 'two'].find((name) => {
    return new X509Certificate(readFileSync(join(directory, `${name}.server.pem`))).fingerprint256 === shown
  })
}
const isIn = () => 'in'
const cipher = (socket: TLSSocket) => socket.getCipher().name

const tls = (
  before: readonly string[],
  after: readonly string[],
  look: ReloadCase['look'],
  expected: ReloadCase['expected'],
): ReloadCase => ({ before, after, prepare: makeCertificates, look, expected })

/** By TLS with the client certificate: the names of the keys that are enrolled. */
const keyNames = async ({ t, port, directory }: Scene) => {
  const options = { ...filesIn(directory, clientOf('one')), rejectUnauthorized: false }
  const admin = await TestAdmin.connect(t, `mqtts://127.0.0.1:${port}`, options)
  return (await admin.request('keys.list', {})).keys.map(({ name }) => name)
}

/** By TLS with the client certificate: may it write the topic that has its username? */
const writesAs =
  (topic: string) =>
  ({ t, port, directory }: Scene) =>
    TestClient.connect(t, `mqtts://127.0.0.1:${port}`, {
      ...filesIn(directory, clientOf('one')),
      rejectUnauthorized: false,
    }).then((client) => client.publish(topic, 'x'))

function passwordFiles({ directory }: Scene): void {
  writeFileSync(join(directory, 'ann.passwords'), `${passwordLine('ann', 'secret-a')}\n`)
  writeFileSync(join(directory, 'bob.passwords'), `${passwordLine('bob', 'secret-b')}\n`)
  writeFileSync(join(directory, 'closed.acl'), 'topic read a\ntopic end\n')
  writeFileSync(join(directory, 'open.acl'), 'topic a\ntopic end\n')
}

const ann = { username: 'ann', password: 'secret-a' }
/** By password file: of ann, then of bob. */
const annThenBob = (before: readonly string[], after: readonly string[]): ReloadCase => ({
  before: [...before, 'allow_anonymous false'],
  after: [...after, 'allow_anonymous false'],
  prepare: passwordFiles,
  look: comesIn(ann),
  expected: [0, 0x87],
})
const closedThenOpen = (before: readonly string[], after: readonly string[]): ReloadCase => ({
  before: [base, ...before],
  after: [base, ...after],
  prepare: passwordFiles,
  look: publishes('a'),
  expected: [0x87, 0],
})

/** Lines of a log file that a client's coming left, without times. */
const logged =
  (pattern: RegExp) =>
  async ({ t, port, directory }: Scene): Promise<boolean> => {
    const path = join(directory, 'log')
    const client = await TestClient.connect(t, port)
    await client.subscribe('a')
    await client.end()
    await enter(t, port)
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    writeFileSync(path, '')
    return pattern.test(text)
  }
const logFile = [base, 'log_dest file DIR/log']

const mqttAt =
  (origin: string) =>
  async ({ t, port }: Scene) =>
    openWebSocket(t, `ws://127.0.0.1:${port}`, { origin }).then(
      () => 'in',
      () => 'refused',
    )

const change = (
  before: string,
  after: string,
  look: ReloadCase['look'],
  expected: ReloadCase['expected'],
): ReloadCase => ({ before: [base, before], after: [base, after], look, expected })

/** By directive. What stands under another name is `sameAs` in the table or has one effect with it. */
const cases: Partial<Record<DirectiveName, ReloadCase>> = {
  include_dir: {
    before: [base, 'include_dir DIR/one.d'],
    after: [base, 'include_dir DIR/two.d'],
    prepare: ({ directory }) => {
      for (const [name, limit] of Object.entries({ 'one.d': 300, 'two.d': 400 })) {
        mkdirSync(join(directory, name), { recursive: true })
        writeFileSync(join(directory, name, 'a.conf'), `max_packet_size ${limit}\n`)
      }
    },
    look: told('maximumPacketSize'),
    expected: [300, 400],
  },
  per_listener_settings: {
    // The line belongs to the broker, then to the other listener alone.
    before: ['listener OTHER 127.0.0.1', base],
    after: ['per_listener_settings true', 'listener OTHER 127.0.0.1', base],
    look: comesIn(),
    expected: [0, 0x87],
  },
  max_queued_messages: change('max_queued_messages 1', 'max_queued_messages 2', keptOf(['1', '2', '3']), [
    ['1'],
    ['1', '2'],
  ]),
  max_queued_bytes: change('max_queued_bytes 1', 'max_queued_bytes 2', keptOf(['1', '2', '3']), [['1'], ['1', '2']]),
  max_inflight_bytes: change('max_inflight_bytes 60', 'max_inflight_bytes 120', inFlight, [1, 2]),
  max_topic_alias_broker: change('max_topic_alias_broker 1', 'max_topic_alias_broker 2', aliases, [1, 2]),
  persistent_client_expiration: {
    before: [base, 'sys_interval 1'],
    after: [base, 'sys_interval 1', 'persistent_client_expiration 1s'],
    look: sleeping,
    expected: ['1', '0'],
  },
  check_retain_source: {
    earlier: {
      lines: [base, 'acl_file DIR/open.acl'],
      act: async ({ t, port }) => {
        await (await TestClient.connect(t, port)).publish('a', 'x', { qos: 1, retain: true })
      },
    },
    before: [base, 'acl_file DIR/closed.acl'],
    after: [base, 'acl_file DIR/closed.acl', 'check_retain_source false'],
    prepare: passwordFiles,
    look: retained,
    expected: [false, true],
  },
  notary_admin: {
    before: [base],
    after: [base, 'notary_admin anonymous'],
    look: async ({ t, port }) => 'result' in (await (await TestAdmin.connect(t, port)).send(statusRequest)),
    expected: [false, true],
  },
  notary_connect_timeout: change('notary_connect_timeout 86400', 'notary_connect_timeout 1', silent, [
    unseen,
    'closed',
  ]),
  queue_qos0_messages: change('queue_qos0_messages false', 'queue_qos0_messages true', keptOf(['1'], 0), [[], ['1']]),
  max_inflight_messages: change('max_inflight_messages 1', 'max_inflight_messages 2', inFlight, [1, 2]),
  message_size_limit: change('message_size_limit 5', 'message_size_limit 6', publishes('a', '123456'), [0x97, 0]),
  max_packet_size: change('max_packet_size 300', 'max_packet_size 400', told('maximumPacketSize'), [300, 400]),
  max_keepalive: change('max_keepalive 60', 'max_keepalive 70', told('serverKeepAlive', { keepalive: 100 }), [60, 70]),
  retain_available: change('retain_available false', 'retain_available true', told('retainAvailable'), [
    false,
    undefined,
  ]),
  clientid_prefixes: change('clientid_prefixes a-', 'clientid_prefixes b-', comesIn({ clientId: 'b-1' }), [0x87, 0]),
  max_topic_alias: change('max_topic_alias 5', 'max_topic_alias 6', told('topicAliasMaximum'), [5, 6]),
  max_qos: change('max_qos 0', 'max_qos 1', told('maximumQoS'), [0, 1]),
  maximum_qos: change('maximum_qos 0', 'maximum_qos 1', told('maximumQoS'), [0, 1]),
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
  accept_protocol_versions: change('accept_protocol_versions 3,4', 'accept_protocol_versions 5', comesIn(), [0x84, 0]),
  notary_response_information: change(
    'notary_response_information one/',
    'notary_response_information two/',
    told('responseInformation', { clientId: 'me', properties: { requestResponseInformation: true } }),
    ['one/me', 'two/me'],
  ),
  allow_zero_length_clientid: change(
    'allow_zero_length_clientid false',
    'allow_zero_length_clientid true',
    comesIn({ clientId: '' }),
    [0x85, 0],
  ),
  auto_id_prefix: change(
    'auto_id_prefix one-',
    'auto_id_prefix two-',
    async (scene) => `${await told('assignedClientIdentifier', { clientId: '' })(scene)}`.slice(0, 4),
    ['one-', 'two-'],
  ),
  listener_auto_id_prefix: change(
    'listener_auto_id_prefix one-',
    'listener_auto_id_prefix two-',
    async (scene) => `${await told('assignedClientIdentifier', { clientId: '' })(scene)}`.slice(0, 4),
    ['one-', 'two-'],
  ),
  allow_anonymous: { before: ['allow_anonymous false'], after: [base], look: comesIn(), expected: [0x87, 0] },
  listener_allow_anonymous: change('listener_allow_anonymous false', 'auto_id_prefix x-', comesIn(), [0x87, 0]),
  use_username_as_clientid: change(
    'use_username_as_clientid true',
    'use_username_as_clientid false',
    comesIn({ clientId: 'me' }),
    [0x87, 0],
  ),
  password_file: annThenBob(['password_file DIR/ann.passwords'], ['password_file DIR/bob.passwords']),
  acl_file: closedThenOpen(['acl_file DIR/closed.acl'], ['acl_file DIR/open.acl']),
  plugin: annThenBob(
    ['plugin mosquitto_password_file.so', 'plugin_opt_password_file DIR/ann.passwords'],
    ['plugin mosquitto_password_file.so', 'plugin_opt_password_file DIR/bob.passwords'],
  ),
  global_plugin: closedThenOpen(
    ['global_plugin mosquitto_acl_file.so', 'plugin_opt_acl_file DIR/closed.acl'],
    ['global_plugin mosquitto_acl_file.so', 'plugin_opt_acl_file DIR/open.acl'],
  ),
  websockets_origin: {
    before: [base, 'protocol websockets', 'websockets_origin http://one.example'],
    after: [base, 'protocol websockets', 'websockets_origin http://two.example'],
    look: mqttAt('http://two.example'),
    expected: ['refused', 'in'],
  },
  sys_interval: {
    ...change('sys_interval 0', 'sys_interval 1', async ({ t, port }) => (await sysMessages(t, port)).size > 0, [
      false,
      true,
    ]),
  },
  notary_min_free: change('notary_min_free 1', `notary_min_free ${Number.MAX_SAFE_INTEGER}`, publishes('a'), [0, 0x97]),
  log_type: {
    before: [...logFile, 'log_type error'],
    after: [...logFile, 'log_type subscribe'],
    look: logged(/ 2 a$/m),
    expected: [false, true],
  },
  log_timestamp: {
    before: [...logFile, 'log_timestamp false'],
    after: logFile,
    look: logged(/^\d+: New client/m),
    expected: [false, true],
  },
  log_timestamp_format: {
    before: logFile,
    after: [...logFile, 'log_timestamp_format %Y!'],
    look: logged(/^\d{4}!: New client/m),
    expected: [false, true],
  },
  log_dest: {
    before: [base, 'log_dest file DIR/elsewhere'],
    after: logFile,
    look: logged(/New client/),
    expected: [false, true],
  },
  connection_messages: {
    before: [...logFile, 'connection_messages false'],
    after: logFile,
    look: logged(/New connection.*\n.*New client/),
    expected: [false, true],
  },
  certfile: tls(tlsOf('one'), tlsOf('two'), secure(server), ['one', 'two']),
  require_certificate: tls([...tlsOf('one'), ca], [...mutual, ca], secure(isIn), ['in', 'refused']),
  cafile: tls([...mutual, ca], [...mutual, 'cafile DIR/two.ca.pem'], secure(isIn, clientOf('two')), ['refused', 'in']),
  capath: tls([...mutual, 'capath DIR/one.path'], [...mutual, 'capath DIR/two.path'], secure(isIn, clientOf('two')), [
    'refused',
    'in',
  ]),
  crlfile: tls(
    [...mutual, ca, 'crlfile DIR/one.list.pem'],
    [...mutual, ca, 'crlfile DIR/one.revoked.pem'],
    secure(isIn, clientOf('one')),
    ['in', 'refused'],
  ),
  use_identity_as_username: tls(
    [...mutual, ca, 'acl_file DIR/name.acl'],
    [...mutual, ca, 'acl_file DIR/name.acl', 'use_identity_as_username true'],
    writesAs('press'),
    [0x87, 0],
  ),
  use_subject_as_username: tls(
    [...mutual, ca, 'acl_file DIR/name.acl'],
    [...mutual, ca, 'acl_file DIR/name.acl', 'use_subject_as_username true'],
    writesAs('CN=press'),
    [0x87, 0],
  ),
  tls_version: tls([...tlsOf('one'), 'tls_version tlsv1.3'], tlsOf('one'), secure(isIn, { maxVersion: 'TLSv1.2' }), [
    'refused',
    'in',
  ]),
  ciphers: tls(
    [...tlsOf('one'), 'ciphers ECDHE-ECDSA-AES256-GCM-SHA384'],
    [...tlsOf('one'), 'ciphers ECDHE-ECDSA-AES128-GCM-SHA256'],
    secure(cipher, { maxVersion: 'TLSv1.2' }),
    ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ),
  'ciphers_tls1.3': tls(
    [...tlsOf('one'), 'ciphers_tls1.3 TLS_AES_256_GCM_SHA384'],
    [...tlsOf('one'), 'ciphers_tls1.3 TLS_AES_128_GCM_SHA256'],
    secure(cipher),
    ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'],
  ),
  notary_enroll_certificates: tls(
    [...mutual, ca, 'notary_admin anonymous'],
    [...mutual, ca, 'notary_admin anonymous', 'notary_enroll_certificates true'],
    keyNames,
    [[], ['press']],
  ),
  ...trustCases,
}

/** Changed by the case of another directive. */
const shownWith: Partial<Record<DirectiveName, DirectiveName>> = {
  keyfile: 'certfile',
  plugin_opt_password_file: 'plugin',
  plugin_opt_acl_file: 'global_plugin',
}

/** Seen by what the real program asks of the system: sockets in `process.test.ts`, the journal in `logging.test.ts`. */
const shownElsewhere: readonly DirectiveName[] = ['set_tcp_nodelay', 'log_facility']

for (const [name, { earlier, before, after, prepare, look, expected }] of Object.entries(cases)) {
  test(`SIGHUP changes ${name}`, async (t) => {
    const scene = await openScene(t)
    await prepare?.(scene)
    if (earlier !== undefined) {
      await scene.reload(earlier.lines)
      await earlier.act(scene)
    }
    for (const [lines, right] of [
      [before, expected[0]],
      [after, expected[1]],
    ] as const) {
      await scene.reload(lines)
      if (right === unseen) continue
      // Some of it is seen a moment later: a line in a file, a value of $SYS, the room on the disk.
      await eventually(
        () => look(scene),
        (found) => isDeepStrictEqual(found, right),
      )
    }
  })
}

test('every directive that SIGHUP changes has a case, and no other', () => {
  const reloaded = Object.keys(honouredDirectives).filter((name) => honouredDirectives[name]?.reload !== 'restart')
  const shown = [...Object.keys(cases), ...Object.keys(shownWith), ...shownElsewhere]
  assert.deepEqual(shown.toSorted(), reloaded.toSorted())
})
