import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { BrokerError, type BrokerOptions } from '../../broker/index.ts'
import { AccessControlError, AuthenticationError } from '../../plugins/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { type RunningBroker, startBroker } from '../helpers/broker.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { passwordLine } from '../helpers/passwords.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

interface Site extends RunningBroker {
  /** Writes the files and reads them in again. */
  readonly change: (files: Partial<Files>, options?: Partial<BrokerOptions>) => Promise<void>
}

interface Files {
  readonly passwords: readonly string[]
  readonly acl: readonly string[]
}

const files: Files = {
  passwords: [passwordLine('ann', 'secret-a'), passwordLine('bob', 'secret-b'), passwordLine('root', 'secret-r')],
  acl: [
    'topic read public/#',
    'user ann',
    'topic readwrite ann/#',
    'topic read public/#',
    'user root',
    'topic readwrite #',
    'topic readwrite $notary/#',
    'pattern write devices/%c/state',
  ],
}

async function site(t: TestContext, options: Partial<BrokerOptions> = {}, given: Partial<Files> = {}): Promise<Site> {
  const directory = temporaryDirectory(t)
  const [passwordFile, aclFile] = [join(directory, 'passwords'), join(directory, 'acl')]
  const write = ({ passwords, acl }: Partial<Files>) => {
    if (passwords !== undefined) writeFileSync(passwordFile, passwords.map((line) => `${line}\n`).join(''))
    if (acl !== undefined) writeFileSync(aclFile, acl.map((line) => `${line}\n`).join(''))
  }
  write({ ...files, ...given })
  const all = { allowAnonymous: true, anonymousAdmin: false, passwordFile, aclFile, ...options }
  const running = await startBroker(t, all)
  const change: Site['change'] = (changed, more = {}) => {
    write(changed)
    return running.broker.reload({ location: running.location, ...all, ...more })
  }
  return { ...running, change }
}

const as = (username: string, password: string, more: IClientOptions = {}): IClientOptions => ({
  username,
  password,
  ...more,
})
const ann = as('ann', 'secret-a')
const root = as('root', 'secret-r')

async function refusalCode(connecting: Promise<unknown>): Promise<number | undefined> {
  try {
    await connecting
    return undefined
  } catch (error) {
    return (error as { code?: number }).code
  }
}

for (const { name, version } of mqttVersions) {
  test(`who gives a right password comes in, who gives a wrong one or none does not (${name})`, async (t) => {
    const { port } = await site(t, { allowAnonymous: false })
    const refused = version.protocolVersion === 5 ? 0x87 : 5
    const codes = []
    for (const login of [
      ann,
      as('ann', 'secret-b'),
      as('ann', ''),
      as('nobody', 'secret-a'),
      { username: 'ann' },
      {},
    ]) {
      codes.push(await refusalCode(TestClient.connect(t, port, { ...login, ...version })))
    }
    assert.deepEqual(codes, [undefined, refused, refused, refused, refused, refused])
  })
}

test('where anonymous clients are welcome a username that is given must verify all the same', async (t) => {
  const { port } = await site(t)
  assert.equal(await refusalCode(TestClient.connect(t, port, {})), undefined)
  assert.equal(await refusalCode(TestClient.connect(t, port, as('ann', 'wrong'))), 0x87)
})

test('a proven name is recorded as proven, and without a password file a name is recorded as a claim', async (t) => {
  const { port } = await site(t, { admins: ['root'] })
  const client = await TestClient.connect(t, port, ann)
  await client.publish('ann/x', 'hello')
  const admin = await TestAdmin.connect(t, port, root)
  const { records } = await admin.request('audit.query', {})
  const told = records.filter(({ kind }) => kind === 'publish').map(({ username, auth }) => [username, auth])
  assert.deepEqual(told, [['ann', 'password']])

  const open = await startBroker(t)
  const claims = await TestClient.connect(t, open.port, as('ann', 'whatever'))
  await claims.publish('x', 'hello')
  const local = await TestAdmin.connect(t, open.port)
  const { records: claimed } = await local.request('audit.query', {})
  assert.deepEqual(
    claimed.filter(({ kind }) => kind === 'publish').map(({ username, auth }) => [username, auth]),
    [['ann', 'none']],
  )
})

test('an administrator has a proven name, and where there is an access control list, a line in it', async (t) => {
  const { port, change } = await site(t, { admins: ['root', 'ann'] })
  const admin = await TestAdmin.connect(t, port, root)
  assert.ok((await admin.request('audit.status', {})).treeSize > 0)
  const unlisted = await TestClient.connect(t, port, ann)
  assert.equal(
    await unlisted.publish('$notary/admin/request', '{"jsonrpc":"2.0","id":1,"method":"audit.status"}'),
    0x87,
  )
  const notAdmin = await TestAdmin.connect(t, port, root)
  await change({ acl: [...files.acl, 'user ann', 'topic write $notary/admin/request'] })
  assert.ok((await notAdmin.request('audit.status', {})).treeSize > 0)
  assert.equal(await unlisted.publish('$notary/admin/request', '{"jsonrpc":"2.0","id":1,"method":"audit.status"}'), 0)
})

for (const { name, version } of mqttVersions) {
  test(`a publish that the list denies is refused and recorded nowhere; older clients are not told (${name})`, async (t) => {
    const { port, broker } = await site(t)
    const client = await TestClient.connect(t, port, { ...ann, ...version })
    const size = () => broker.chain.state.frontier.size
    const before = size()
    const refused = version.protocolVersion === 5 ? 0x87 : 0
    for (const qos of [1, 2] as const) assert.equal(await client.publish('bob/x', 'no', { qos }), refused)
    await client.publish('bob/x', 'no', { qos: 0 })
    assert.equal(await client.publish('ann/x', 'yes'), 0)
    assert.equal(size(), before + 1)
    assert.deepEqual({ ...broker.counters.refused }, { 'access-denied': 3 })
  })
}

test('SUBSCRIBE is granted whatever the list says, and brings what may be read: live, queued and retained', async (t) => {
  const { port } = await site(t)
  const owner = await TestClient.connect(t, port, root)
  await owner.publish('ann/kept', 'retained', { qos: 1, retain: true })
  await owner.publish('bob/kept', 'retained', { qos: 1, retain: true })
  const session = {
    clean: false,
    properties: { sessionExpiryInterval: 600 },
    clientId: 'ann-1',
  } satisfies IClientOptions
  const reader = await TestClient.connect(t, port, { ...ann, ...session })
  assert.equal(await reader.subscribe('#', 1), 1)
  for (const topic of ['bob/live', 'public/live', 'ann/live']) await owner.publish(topic, 'live')
  assert.deepEqual(
    (await reader.waitFor(3)).map(({ topic }) => topic),
    ['ann/kept', 'public/live', 'ann/live'],
  )
  await reader.end()
  for (const topic of ['bob/away', 'ann/away']) await owner.publish(topic, 'away')
  const again = await TestClient.connect(t, port, { ...ann, ...session })
  await owner.publish('public/end', 'end')
  assert.deepEqual(
    (await again.waitFor(2)).map(({ topic }) => topic),
    ['ann/away', 'public/end'],
  )
})

test('a pattern holds for every client, with its own id in it', async (t) => {
  const { port } = await site(t)
  const device = await TestClient.connect(t, port, { clientId: 'd7' })
  assert.equal(await device.publish('devices/d7/state', 'on'), 0)
  assert.equal(await device.publish('devices/d8/state', 'on'), 0x87)
})

test('a will that the list denies does not fire, and the refusal is counted', async (t) => {
  const { port, broker } = await site(t)
  const watcher = await TestClient.connect(t, port, root)
  await watcher.subscribe('#', 1)
  for (const topic of ['bob/gone', 'ann/gone']) {
    const will = { topic, payload: Buffer.from('gone'), qos: 1, retain: false } as const
    const client = await TestClient.connect(t, port, { ...ann, will })
    client.mqtt.stream.destroy()
  }
  await watcher.waitFor(1)
  await watcher.publish('end', 'end')
  assert.deepEqual(
    (await watcher.waitFor(2)).map(({ topic }) => topic),
    ['ann/gone', 'end'],
  )
  assert.equal(broker.counters.refused['access-denied'], 1)
})

test('a retained message is not delivered any more when its publisher may not write its topic any more', async (t) => {
  const { port, change } = await site(t)
  const writer = await TestClient.connect(t, port, ann)
  await writer.publish('ann/kept', 'x', { qos: 1, retain: true })
  await change({ acl: ['user root', 'topic readwrite #'] })
  const reader = await TestClient.connect(t, port, root)
  await reader.subscribe('ann/#', 1)
  await reader.publish('ann/end', 'end')
  assert.deepEqual(
    (await reader.waitFor(1)).map(({ topic }) => topic),
    ['ann/end'],
  )
  await change({}, { checkRetainSource: true })
})

test('files that are read again hold for clients that are connected; who would not be let in any more goes', async (t) => {
  const { port, change } = await site(t)
  const [one, other] = [
    await TestClient.connect(t, port, ann),
    await TestClient.connect(t, port, as('bob', 'secret-b')),
  ]
  await one.subscribe('#', 1)
  const bobGoes = new Promise<void>((resolve) => other.mqtt.once('close', () => resolve()))
  await change({
    passwords: [files.passwords[0] ?? '', passwordLine('bob', 'another'), files.passwords[2] ?? ''],
    acl: [...files.acl, 'user ann', 'topic deny ann/secret'],
  })
  await bobGoes
  assert.equal(await refusalCode(TestClient.connect(t, port, as('bob', 'secret-b'))), 0x87)
  assert.equal(await refusalCode(TestClient.connect(t, port, as('bob', 'another'))), undefined)
  const owner = await TestClient.connect(t, port, root)
  for (const topic of ['ann/secret', 'ann/open']) await owner.publish(topic, 'x')
  assert.deepEqual(
    (await one.waitFor(1)).map(({ topic }) => topic),
    ['ann/open'],
  )
  assert.equal(await one.publish('ann/secret', 'x'), 0x87)
})

test('anonymous clients go when they are not welcome any more', async (t) => {
  const { port, change } = await site(t)
  const anonymous = await TestClient.connect(t, port, {})
  const gone = new Promise<void>((resolve) => anonymous.mqtt.once('close', () => resolve()))
  await change({}, { allowAnonymous: false })
  await gone
  assert.equal(await refusalCode(TestClient.connect(t, port, {})), 0x87)
})

test('a file that cannot be read lets no broker start, and leaves a running one as it was', async (t) => {
  await assert.rejects(
    startBroker(t, { passwordFile: join(temporaryDirectory(t), 'missing') }),
    (error) => error instanceof AuthenticationError && error.code === 'ERR_PASSWORD_FILE',
  )
  await assert.rejects(site(t, {}, { acl: ['topic raed a'] }), (error) => error instanceof AccessControlError)
  const { port, change } = await site(t)
  await assert.rejects(change({ passwords: [], acl: ['tpoic read a'] }), AccessControlError)
  const client = await TestClient.connect(t, port, ann)
  assert.equal(await client.publish('ann/x', 'still'), 0, 'neither file has taken effect')
  await assert.rejects(
    change(files, { maxKeepaliveSeconds: -1 }),
    (error) => error instanceof BrokerError && error.code === 'ERR_OPTIONS_INVALID',
  )
})
