import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Authority } from '../../broker/certificates/authority.ts'
import { parseHostName } from '../../broker/certificates/names.ts'
import { usernameOf } from '../../broker/listeners/certificate-identity.ts'
import type { ListenerOptions, TlsOptions } from '../../broker/listeners/index.ts'
import { certificateOf, commonNameOf, nameOf, newKeyPair, stringTag } from '../broker/listeners/der-writer.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { freePort, startBroker } from '../helpers/broker.ts'
import { hasMosquitto } from '../helpers/mosquitto.ts'
import { run, TestProcess } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasMosquittoClients } from '../helpers/tools.ts'

interface Site {
  readonly authority: Authority
  /** A server certificate for localhost alone, and clients `press-7` and `lost`, of whom the latter is revoked. */
  readonly file: (name: string) => string
  readonly tls: TlsOptions
}

async function makeSite(t: TestContext): Promise<Site> {
  const directory = temporaryDirectory(t)
  const authority = await Authority.open(directory)
  const { certFile, keyFile } = await authority.issueServer([parseHostName('localhost')], 30, false)
  for (const name of ['press-7', 'lost']) await authority.issueClient(name, 30, false)
  await authority.revokeClient('lost', 30)
  return { authority, file: (name) => join(directory, name), tls: { certFile, keyFile, caFile: authority.certFile } }
}

/** A plain listener for the test, and one with TLS. */
async function startWith(t: TestContext, tls: TlsOptions) {
  const listeners: readonly ListenerOptions[] = [
    { protocol: 'mqtt', port: 0, host: '127.0.0.1' },
    { protocol: 'mqtt', port: 0, host: '127.0.0.1', tls },
  ]
  const { broker, port } = await startBroker(t, { listeners })
  const tlsPort = broker.listeners.find(({ isTls }) => isTls)?.port ?? 0
  return { port, tlsPort, name: `mqtts://127.0.0.1:${tlsPort}` }
}

/** @returns whether the message got through */
async function publishes(
  t: TestContext,
  port: number,
  args: readonly string[],
  { host = 'localhost', env = {} }: { host?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<boolean> {
  const common = ['-h', host, '-p', `${port}`, '-t', 'plant/1', '-m', 'x', '-q', '1']
  const { code, stderr } = await run(t, 'mosquitto_pub', [...common, ...args], { env })
  assert.equal(code === 0, stderr === '', `${code}: ${stderr}`)
  return code === 0
}

/** What makes OpenSSL stop at TLS 1.2: `--tls-version` of mosquitto_pub only says the least (run). */
function upToTls12(t: TestContext): Readonly<Record<string, string>> {
  const path = join(temporaryDirectory(t), 'openssl.cnf')
  const sections = [
    '[init]',
    'ssl_conf = ssl',
    '[ssl]',
    'system_default = default',
    '[default]',
    'MaxProtocol = TLSv1.2',
  ]
  writeFileSync(path, ['openssl_conf = init', ...sections, ''].join('\n'))
  return { OPENSSL_CONF: path }
}

/** Client id and listener of every publish in the chain. */
async function recorded(t: TestContext, port: number) {
  const admin = await TestAdmin.connect(t, port)
  const records = await admin.publishes()
  await admin.verifies()
  return records.map(({ clientId, listener }) => [clientId, listener])
}

test('mosquitto_pub reaches a TLS listener with --cafile, and what does not trust it or is not meant by it does not', async (t) => {
  if (!hasMosquittoClients(t)) return
  const [site, other] = [await makeSite(t), await makeSite(t)]
  const { port, tlsPort, name } = await startWith(t, site.tls)
  const ca = ['--cafile', site.file('ca.crt')]
  for (const version of ['tlsv1.2', 'tlsv1.3']) {
    for (const mqtt of ['mqttv31', 'mqttv311', 'mqttv5']) {
      const args = ['-i', `${version}-${mqtt}`, '-V', mqtt, '--tls-version', version]
      assert.equal(await publishes(t, tlsPort, [...ca, ...args]), true, `${version} ${mqtt}`)
    }
  }
  assert.equal(await publishes(t, tlsPort, [...ca, '-i', 'insecure', '--insecure'], { host: '127.0.0.1' }), true)
  assert.equal(await publishes(t, tlsPort, [...ca, '-i', 'capath', '--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256']), true)
  assert.equal(await publishes(t, tlsPort, ca, { host: '127.0.0.1' }), false, 'a certificate for another name')
  assert.equal(await publishes(t, tlsPort, ['--cafile', other.file('ca.crt')]), false, 'another authority')
  assert.equal(await publishes(t, tlsPort, ['--cafile', other.file('ca.crt'), '--insecure']), false)
  assert.equal(await publishes(t, tlsPort, []), false, 'plain MQTT')
  assert.equal(await publishes(t, port, ca), false, 'TLS where there is none')
  const versions = ['tlsv1.2', 'tlsv1.3'].flatMap((one) =>
    ['mqttv31', 'mqttv311', 'mqttv5'].map((mqtt) => `${one}-${mqtt}`),
  )
  assert.deepEqual(
    await recorded(t, port),
    [...versions, 'insecure', 'capath'].map((id) => [id, name]),
  )
})

test('a TLS listener of version 1.3 alone is reached with 1.3, and not with 1.2', async (t) => {
  if (!hasMosquittoClients(t)) return
  const site = await makeSite(t)
  const { tlsPort } = await startWith(t, { ...site.tls, minVersion: 'TLSv1.3' })
  const ca = ['--cafile', site.file('ca.crt')]
  assert.equal(await publishes(t, tlsPort, [...ca, '--tls-version', 'tlsv1.3']), true)
  assert.equal(await publishes(t, tlsPort, ca, { env: upToTls12(t) }), false)
  const usual = await startWith(t, site.tls)
  assert.equal(await publishes(t, usual.tlsPort, ca, { env: upToTls12(t) }), true)
})

test('a listener that requires certificates takes those of its authority, not revoked ones, strangers or none', async (t) => {
  if (!hasMosquittoClients(t)) return
  const [site, other] = [await makeSite(t), await makeSite(t)]
  const { crlFile } = site.authority
  const { port, tlsPort, name } = await startWith(t, { ...site.tls, requireCertificate: true, crlFile })
  const ca = ['--cafile', site.file('ca.crt')]
  const as = (owner: Site, client: string) => [
    '--cert',
    owner.file(`${client}.crt`),
    '--key',
    owner.file(`${client}.key`),
  ]
  for (const version of ['tlsv1.2', 'tlsv1.3']) {
    const env = version === 'tlsv1.2' ? upToTls12(t) : {}
    const comes = (...args: readonly string[]) => publishes(t, tlsPort, [...ca, ...args], { env })
    assert.equal(await comes(...as(site, 'press-7'), '-i', version), true)
    assert.equal(await comes(...as(site, 'lost')), false, 'revoked')
    assert.equal(await comes(...as(other, 'press-7')), false, 'of another authority')
    assert.equal(await comes(), false, 'none')
  }
  assert.deepEqual(await recorded(t, port), [
    ['tlsv1.2', name],
    ['tlsv1.3', name],
  ])
})

test('mosquitto_sub on a TLS listener gets what mosquitto_pub sends on a plain one', async (t) => {
  if (!hasMosquittoClients(t)) return
  const site = await makeSite(t)
  const { port, tlsPort } = await startWith(t, site.tls)
  assert.equal(await publishes(t, port, ['-r']), true)
  const args = [
    '-h',
    'localhost',
    '-p',
    `${tlsPort}`,
    '--cafile',
    site.file('ca.crt'),
    '-t',
    'plant/#',
    '-C',
    '1',
    '-W',
    '10',
  ]
  const { code, stdout } = await run(t, 'mosquitto_sub', args)
  assert.deepEqual([code, stdout], [0, 'x\n'])
})

test('Mosquitto calls clients by their certificates what we call them', async (t) => {
  if (!hasMosquittoClients(t) || !hasMosquitto(t)) return
  const site = await makeSite(t)
  const root = { subject: commonNameOf('root'), keys: newKeyPair() }
  const keys = newKeyPair()
  const write = (name: string, content: string) => {
    writeFileSync(site.file(name), content)
    return site.file(name)
  }
  const caFile = write('root.crt', certificateOf({ ...root, isAuthority: true }).toString())
  const key = write('c.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const [cn, o] = ['2.5.4.3', '2.5.4.10']
  const { utf8, bmp, teletex } = stringTag
  const certificates = [
    nameOf([[o, utf8, 'Müller, Söhne']], [[cn, utf8, 'Gerät+1']], [[cn, utf8, 'second']]),
    nameOf([
      [o, utf8, 'x'],
      [cn, utf8, ' both '],
    ]),
    nameOf([[o, utf8, 'no cn']]),
    nameOf([['1.2.3.4', utf8, 'odd']], [['2.5.4.65', utf8, '#p']], [[cn, utf8, 'a/b\\c']]),
    nameOf([[cn, bmp, Buffer.from('\0a\0b')]]),
    nameOf([[cn, teletex, 'plain']]),
  ].map((subject) => certificateOf({ subject, keys, issuer: root }))
  for (const directive of ['use_identity_as_username', 'use_subject_as_username'] as const) {
    const port = await freePort()
    const lines = [
      'user root',
      'log_dest stdout',
      'log_type all',
      `listener ${port} 127.0.0.1`,
      'require_certificate true',
    ]
    const { certFile, keyFile } = site.tls
    const tls = [`certfile ${certFile}`, `keyfile ${keyFile}`, `cafile ${caFile}`, `${directive} true`]
    const config = write('m.conf', [...lines, ...tls, ''].join('\n'))
    // Piped, it would keep its lines to itself.
    const mosquitto = new TestProcess(t, 'stdbuf', ['-oL', 'mosquitto', '-c', config])
    await mosquitto.line(/ running$/)
    const source =
      directive === 'use_identity_as_username' ? { useIdentityAsUsername: true } : { useSubjectAsUsername: true }
    for (const [i, certificate] of certificates.entries()) {
      const cert = write('c.crt', certificate.toString())
      const ours = usernameOf(certificate, source)
      const args = ['--cafile', site.file('ca.crt'), '--cert', cert, '--key', key, '-i', `c${i}`]
      assert.equal(await publishes(t, port, args), ours !== null, `${directive} ${certificate.subject}`)
      if (ours === null) continue
      const line = await mosquitto.line(new RegExp(` as c${i} \\(`))
      assert.equal(/, u'(.*)'\)\.$/.exec(line)?.[1], ours)
    }
    await mosquitto.kill()
  }
})
