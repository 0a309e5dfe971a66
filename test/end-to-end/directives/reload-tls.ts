import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Authority } from '../../../broker/certificates/authority.ts'
import { parseHostName } from '../../../broker/certificates/names.ts'
import type { DirectiveName } from '../../../broker/config/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { connectPacket } from '../../helpers/mqtt-bytes.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { base, type ReloadCase, type Scene } from './reload-case.ts'

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

/** By TLS: whose certificate the server shows, and whose it takes. */
export const tlsCases = {
  certfile: tls(tlsOf('one'), tlsOf('two'), secure(server), ['one', 'two']),
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
  require_certificate: tls([...tlsOf('one'), ca], [...mutual, ca], secure(isIn), ['in', 'refused']),
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
} satisfies Partial<Record<DirectiveName, ReloadCase>>
