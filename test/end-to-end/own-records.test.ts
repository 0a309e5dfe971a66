import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Authority } from '../../broker/certificates/authority.ts'
import { parseHostName } from '../../broker/certificates/names.ts'
import { p256ToJwk, type RecordJson } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { numberedKey, testKey } from '../helpers/keys.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { passwordLine } from '../helpers/passwords.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { Device } from './trust/device.ts'

const topicsOf = (records: readonly RecordJson[]) => records.map(({ topic }) => topic)

/** A broker where ann and bob have passwords, chief is the administrator, and nobody may read `secret/#` but bob. */
async function site(t: TestContext) {
  const directory = temporaryDirectory(t)
  const [passwordFile, aclFile] = [join(directory, 'passwords'), join(directory, 'acl')]
  const lines = ['ann', 'bob', 'chief'].map((name) => passwordLine(name, name))
  writeFileSync(passwordFile, `${lines.join('\n')}\n`)
  const acl = ['topic write $notary/admin/request', 'topic readwrite free/#', 'topic write secret/#']
  const ofAll = ['ann', 'bob', 'chief'].flatMap((name) => [`user ${name}`, ...acl])
  const write = (ofBob: readonly string[]) =>
    writeFileSync(aclFile, [...acl, ...ofAll, 'user bob', ...ofBob, ''].join('\n'))
  write(['topic read secret/#'])
  const options = { allowAnonymous: true, anonymousAdmin: false, passwordFile, aclFile, admins: ['chief'] }
  const { broker, port, location } = await startBroker(t, options)
  const as = (name: string) => TestAdmin.connect(t, port, { username: name, password: name })
  const change = (ofBob: readonly string[]) => {
    write(ofBob)
    return broker.reload({ location, ...options })
  }
  return { port, as, change }
}

test('who is no administrator sees what it published itself under its proven name, and nobody else does', async (t) => {
  const { port, as } = await site(t)
  const [ann, bob, chief] = [await as('ann'), await as('bob'), await as('chief')]
  const nobody = await TestAdmin.connect(t, port)
  const claims = await TestClient.connect(t, port)
  await ann.client.publish('free/ann', 'a')
  await bob.client.publish('free/bob', 'b')
  await claims.publish('free/claims', 'c')
  assert.deepEqual(topicsOf(await ann.records()), ['free/ann'])
  assert.deepEqual(topicsOf(await bob.records({ order: 'desc' })), ['free/bob'])
  assert.deepEqual(topicsOf(await bob.records({ clientId: ann.client.id })), [])
  assert.deepEqual(topicsOf(await chief.publishes()), ['free/ann', 'free/bob', 'free/claims'])
  const [own] = await ann.records()
  const [others] = await bob.records()
  const index = own?.index ?? -1
  assert.equal((await ann.request('audit.record', { index, include: ['payload'] })).payload, 'YQ')
  await ann.refuses('audit.record', { index: others?.index }, 'not-found')
  await ann.refuses('audit.record', { index: 0 }, 'not-found')
  for (const method of ['audit.status', 'audit.verify', 'audit.gaps', 'audit.backup', 'keys.list', 'keys.revoke']) {
    await ann.refuses(method, {}, 'not-authorized')
  }
  for (const method of ['audit.query', 'audit.record']) await nobody.refuses(method, { index: 1 }, 'not-authorized')
})

test('records of topics that the requester may not read are left out, for administrators too, as the list is now', async (t) => {
  const { as, change } = await site(t)
  const [ann, bob, chief] = [await as('ann'), await as('bob'), await as('chief')]
  for (const who of [ann, bob]) {
    for (const topic of ['secret/1', 'free/1']) await who.client.publish(topic, 'x')
  }
  assert.deepEqual(topicsOf(await ann.records()), ['free/1'])
  assert.deepEqual(topicsOf(await bob.records()), ['secret/1', 'free/1'])
  assert.deepEqual(topicsOf(await chief.publishes()), ['free/1', 'free/1'])
  assert.deepEqual(topicsOf(await chief.publishes({ topic: 'secret/#' })), [])
  const [secret] = await bob.records({ topic: 'secret/#' })
  await chief.refuses('audit.record', { index: secret?.index }, 'not-found')
  await change([])
  assert.deepEqual(topicsOf(await bob.records()), ['free/1'])
  // Records that are about no topic are the administrators' to see.
  assert.ok((await chief.records()).some(({ kind }) => kind === 'config'))
})

test('who has proved to hold a key, by a certificate or a confirmed session, sees what the key signed, whoever sent it', async (t) => {
  const authority = await Authority.open(temporaryDirectory(t))
  const { certFile, keyFile } = await authority.issueServer(['127.0.0.1'].map(parseHostName), 1, false)
  const press = await authority.issueClient('press', 1, false)
  const common = { protocol: 'mqtt', port: 0, host: '127.0.0.1' } as const
  const tls = { certFile, keyFile, caFile: authority.certFile, requireCertificate: true }
  const { broker } = await startBroker(t, {
    listeners: [common, { ...common, tls }],
    enrollCertificates: true,
    protect: [{ filter: 'safe/#', tls: true }],
  })
  const [plain = '', mutual = ''] = broker.listeners.map(({ name }) => name)
  const admin = await TestAdmin.connect(t, plain)
  const key = numberedKey(1)
  await admin.request('keys.enroll', { key: p256ToJwk(key) })
  // A name that nothing proved takes it the rights that it would have without one.
  const device = await Device.connect(t, plain, key, { username: 'claimed' })
  const own = await TestAdmin.over(device.client)
  await device.publish('n', 'signed')
  await own.refuses('audit.query', {}, 'not-authorized')
  await device.agree(admin)
  await own.refuses('audit.query', {}, 'not-authorized')
  await device.publish('n', 'with MAC', { mac: true })
  assert.deepEqual(
    (await own.records()).map(({ kind, topic }) => [kind, topic]),
    [
      ['publish', 'n'],
      ['session', '$notary/key-exchange/request'],
      ['publish', 'n'],
    ],
  )
  const credentials = { cert: readFileSync(press.certFile), key: readFileSync(press.keyFile) }
  const secure = { ca: readFileSync(authority.certFile), ...credentials, username: 'claimed' }
  const holder = await TestAdmin.connect(t, mutual, secure)
  assert.deepEqual(await holder.records(), [], 'its enrolment is the record of who asked for it')
  const { d = '' } = createPrivateKey(credentials.key).export({ format: 'jwk' })
  const elsewhere = await Device.connect(t, plain, testKey(Buffer.from(d, 'base64url').toString('hex')))
  await elsewhere.publish('n', 'by the key of the certificate')
  assert.deepEqual(topicsOf(await holder.records()), ['n'])
  await holder.client.publish('safe/1', 'x')
  assert.deepEqual(topicsOf(await admin.publishes()), ['n', 'n', 'n'], 'what asks for TLS is not shown without')
})
