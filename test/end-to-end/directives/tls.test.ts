import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { IClientOptions } from 'mqtt'
import { Authority, type IssuedCertificate } from '../../../broker/certificates/authority.ts'
import { parseHostName } from '../../../broker/certificates/names.ts'
import { freePort } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { covers, departureOf, enter, Program } from './support.ts'

const names = ['plain', 'newest', 'picky', 'identity', 'subject', 'directory'] as const
type Ports = Readonly<Record<(typeof names)[number], number>>

/** Shakes hands and tells what was agreed upon. @returns undefined when there is no TLS between the two */
function shakeHands(t: TestContext, port: number, options: ConnectionOptions): Promise<TLSSocket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ...options })
    atEnd(t, () => socket.destroy())
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}

test('TLS as the listeners configure it, and what a SIGHUP changes', async (t) => {
  const directory = temporaryDirectory(t)
  const authority = await Authority.open(join(directory, 'ours'))
  const stranger = await Authority.open(join(directory, 'theirs'))
  const hosts = [parseHostName('127.0.0.1')]
  const server = await authority.issueServer(hosts, 1, false)
  const [press, lathe, other, foreign] = [
    await authority.issueClient('press-7', 1, false),
    await authority.issueClient('lathe-8', 1, false),
    await authority.issueClient('other', 1, false),
    await stranger.issueClient('press-7', 1, false),
  ]
  // A list that has somebody in it, as the one that is empty may not be there.
  await authority.revokeClient('other', 1)
  const [certFile, keyFile, crlFile] = ['server.pem', 'server.key', 'list.pem'].map((name) =>
    join(directory, name),
  ) as [string, string, string]
  const useFiles = (issued: IssuedCertificate) => {
    copyFileSync(issued.certFile, certFile)
    copyFileSync(issued.keyFile, keyFile)
  }
  useFiles(server)
  copyFileSync(authority.crlFile, crlFile)
  const caPath = join(directory, 'cas')
  mkdirSync(caPath)
  copyFileSync(authority.certFile, join(caPath, 'ours.pem'))

  const ports = {} as Record<keyof Ports, number>
  for (const name of names) ports[name] = await freePort()
  const secure = [`certfile ${certFile}`, `keyfile ${keyFile}`]
  const mutual = [...secure, `cafile ${authority.certFile}`, 'require_certificate true', `crlfile ${crlFile}`]
  const program = await Program.start(t, [
    `persistence_location ${temporaryDirectory(t)}`,
    'allow_anonymous true',
    ...[`listener ${ports.plain} 127.0.0.1`, ...secure],
    ...[`listener ${ports.newest} 127.0.0.1`, ...secure, 'tls_version tlsv1.3'],
    'ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256',
    ...[`listener ${ports.picky} 127.0.0.1`, ...secure, 'ciphers ECDHE-ECDSA-AES128-GCM-SHA256'],
    ...[`listener ${ports.identity} 127.0.0.1`, ...mutual, 'use_identity_as_username true'],
    ...[`listener ${ports.subject} 127.0.0.1`, ...mutual, 'use_subject_as_username true'],
    ...[`listener ${ports.directory} 127.0.0.1`, ...secure, `capath ${caPath}`, 'require_certificate true'],
  ])
  const ca = readFileSync(authority.certFile)
  const url = (name: keyof Ports) => `mqtts://127.0.0.1:${ports[name]}`
  const as = (issued: IssuedCertificate): IClientOptions => {
    return { ca, cert: readFileSync(issued.certFile), key: readFileSync(issued.keyFile) }
  }

  await t.test('certfile and keyfile: the listener speaks TLS with this certificate, and nothing else', async (t) => {
    covers('certfile', 'keyfile')
    assert.equal(await enter(t, url('plain'), { ca }), 0)
    const socket = await shakeHands(t, ports.plain, { ca })
    assert.ok(socket?.getPeerX509Certificate()?.raw.equals(derOf(server)))
    assert.equal(await enter(t, ports.plain), 'closed')
  })

  await t.test('tls_version is the lowest, ciphers and ciphers_tls1.3 are all there are', async (t) => {
    covers('tls_version', 'ciphers', 'ciphers_tls1.3')
    const old = { ca, maxVersion: 'TLSv1.2' } as const
    assert.equal(await shakeHands(t, ports.newest, old), undefined)
    const newest = await shakeHands(t, ports.newest, { ca })
    assert.deepEqual([newest?.getProtocol(), newest?.getCipher().name], ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256'])
    const picky = await shakeHands(t, ports.picky, old)
    assert.equal(picky?.getCipher().name, 'ECDHE-ECDSA-AES128-GCM-SHA256')
    const ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384'
    assert.equal(await shakeHands(t, ports.picky, { ...old, ciphers }), undefined)
    assert.ok(await shakeHands(t, ports.plain, { ...old, ciphers }))
  })

  await t.test('require_certificate lets in whom a CA of cafile or capath vouches for', async (t) => {
    covers('require_certificate', 'cafile', 'capath')
    for (const name of ['identity', 'directory'] as const) {
      assert.equal(await enter(t, url(name), as(press)), 0)
      assert.equal(await enter(t, url(name), as(foreign)), 'closed')
      assert.equal(await enter(t, url(name), { ca }), 'closed')
    }
  })

  await t.test('use_identity_as_username and use_subject_as_username name the client by its certificate', async (t) => {
    covers('use_identity_as_username', 'use_subject_as_username')
    await enter(t, url('identity'), { ...as(press), clientId: 'by-identity', username: 'ignored' })
    await enter(t, url('subject'), { ...as(press), clientId: 'by-subject' })
    assert.match(await program.says(/ as by-identity /), /u'press-7'/)
    assert.match(await program.says(/ as by-subject /), /u'CN=press-7'/)
  })

  await t.test('crlfile keeps out who is in it; SIGHUP reads it again and lets go who is in it by then', async (t) => {
    covers('crlfile')
    assert.equal(await enter(t, url('identity'), as(other)), 'closed')
    const stays = await TestClient.connect(t, url('identity'), as(press))
    const goes = await TestClient.connect(t, url('identity'), as(lathe))
    const gone = departureOf(goes)
    await authority.revokeClient('lathe-8', 1)
    copyFileSync(authority.crlFile, crlFile)
    await program.reload()
    await gone
    assert.equal(await enter(t, url('identity'), as(lathe)), 'closed')
    assert.equal(await stays.publish('a', 'x'), 0)
  })

  await t.test('SIGHUP takes a new certificate and key; a broken file leaves the old ones in use', async (t) => {
    const renewed = await authority.issueServer(hosts, 2, true)
    const stays = await TestClient.connect(t, url('plain'), { ca })
    const served = async () => (await shakeHands(t, ports.plain, { ca }))?.getPeerX509Certificate()?.raw
    const before = await served()
    writeFileSync(certFile, 'not a certificate')
    await program.reloadFails()
    assert.deepEqual(await served(), before)
    useFiles(renewed)
    await program.reload()
    assert.ok((await served())?.equals(derOf(renewed)))
    assert.equal(before?.equals(derOf(renewed)), false)
    assert.equal(await stays.publish('a', 'x'), 0)
  })
})

/** The first certificate of the file. */
function derOf({ certFile }: IssuedCertificate): Buffer {
  const [, text = ''] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(readFileSync(certFile, 'utf8')) ?? []
  return Buffer.from(text, 'base64')
}
