import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Authority } from '../../../broker/certificates/authority.ts'
import { CertificateError, type CertificateErrorCode } from '../../../broker/certificates/errors.ts'
import { checkClientName, parseHostName } from '../../../broker/certificates/names.ts'
import { certificateFieldsOf } from '../../../broker/listeners/certificate-fields.ts'
import { ClientTrust } from '../../../broker/listeners/client-trust.ts'
import { pemBlocksOf } from '../../../broker/listeners/pem.ts'
import { RevocationList } from '../../../broker/listeners/revocation-list.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasTool } from '../../helpers/tools.ts'
import { certificateOf, commonNameOf, nameOf, newKeyPair, stringTag } from '../listeners/der-writer.ts'

const dayMs = 86_400_000
const localhost = [parseHostName('localhost'), parseHostName('::1'), parseHostName('10.0.0.7')]
const certificateIn = (path: string) => new X509Certificate(readFileSync(path))

function isError(code: CertificateErrorCode) {
  return (error: unknown) => error instanceof CertificateError && error.code === code
}

test('openssl verifies server and client certificates for their purpose, and finds a revoked one in the list', async (t) => {
  if (!hasTool(t, 'openssl', ['version'], 'openssl')) return
  const authority = await Authority.open(temporaryDirectory(t))
  const server = await authority.issueServer(localhost, 9, false)
  const [lost, kept] = [await authority.issueClient('lost', 9, false), await authority.issueClient('kept', 9, false)]
  await authority.revokeClient('lost', 9)
  const verify = (...args: string[]) => {
    execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', authority.certFile, ...args], { stdio: 'pipe' })
  }
  verify('-purpose', 'sslserver', '-verify_hostname', 'localhost', server.certFile)
  for (const address of ['::1', '10.0.0.7']) verify('-purpose', 'sslserver', '-verify_ip', address, server.certFile)
  verify('-purpose', 'sslclient', '-crl_check', '-CRLfile', authority.crlFile, kept.certFile)
  for (const wrong of [
    ['-purpose', 'sslclient', server.certFile],
    ['-purpose', 'sslserver', kept.certFile],
    ['-verify_hostname', 'example.com', server.certFile],
    ['-crl_check', '-CRLfile', authority.crlFile, lost.certFile],
  ]) {
    assert.throws(() => verify(...wrong), /verification failed/, wrong.join(' '))
  }
})

test('private keys can be read by their owner alone; certificates by everybody', async (t) => {
  const directory = temporaryDirectory(t)
  const authority = await Authority.open(directory)
  await authority.issueServer(localhost, 9, false)
  await authority.issueClient('a', 9, false)
  await authority.revokeClient('a', 9)
  const modeOf = (name: string) => (statSync(join(directory, name)).mode & 0o777).toString(8)
  for (const name of ['ca.key', 'server.key', 'a.key']) assert.equal(modeOf(name), '600', name)
  for (const name of ['ca.crt', 'server.crt', 'a.crt', 'ca.crl']) assert.equal(modeOf(name), '644', name)
})

test('an authority that is there is used again, and what it issued keeps its key when it is issued anew', async (t) => {
  const directory = temporaryDirectory(t)
  const first = await Authority.open(directory)
  const { certFile } = await first.issueServer(localhost, 9, false)
  const before = certificateIn(certFile)
  const again = await Authority.open(directory)
  assert.deepEqual([first.isNew, again.isNew], [true, false])
  await assert.rejects(again.issueServer(localhost, 9, false), isError('ERR_CERTIFICATE_EXISTS'))
  assert.equal(certificateIn(certFile).serialNumber, before.serialNumber)
  await again.issueServer(localhost, 9, true)
  const after = certificateIn(certFile)
  assert.notEqual(after.serialNumber, before.serialNumber)
  assert.equal(after.publicKey.equals(before.publicKey), true)
  assert.equal(after.verify(certificateIn(first.certFile).publicKey), true)
})

test('nothing lasts longer than its authority', async (t) => {
  const authority = await Authority.open(temporaryDirectory(t))
  const { certFile } = await authority.issueClient('a', 36_500, false)
  assert.equal(certificateIn(certFile).validTo, certificateIn(authority.certFile).validTo)
  const { notAfter } = await authority.issueClient('b', 2, false)
  assert.ok(Math.abs(notAfter.getTime() - Date.now() - 2 * dayMs) < dayMs)
})

test('an authority that another tool made is used too: what it issues bears its name', async (t) => {
  const directory = temporaryDirectory(t)
  const keys = newKeyPair()
  const subject = nameOf([['2.5.4.6', stringTag.printable, 'DE']], [['2.5.4.3', stringTag.teletex, 'Werk 7']])
  const certificate = certificateOf({ subject, keys, isAuthority: true })
  writeFileSync(join(directory, 'ca.crt'), certificate.toString())
  writeFileSync(join(directory, 'ca.key'), keys.privateKey.export({ type: 'sec1', format: 'pem' }))
  const authority = await Authority.open(directory)
  const issued = certificateIn((await authority.issueClient('a', 1, false)).certFile)
  assert.equal(issued.checkIssued(certificate) && issued.verify(certificate.publicKey), true)
  assert.equal(certificateFieldsOf(issued.raw).issuer.equals(subject), true)
  await authority.revokeClient('a', 1)
  const [list] = pemBlocksOf(readFileSync(authority.crlFile, 'utf8')).map(({ der }) => new RevocationList(der))
  assert.equal(new ClientTrust([certificate], list === undefined ? [] : [list]).problemOf(issued), 'CERT_REVOKED')
})

test('revoking adds to the list, and revoking twice changes nothing but its time', async (t) => {
  const authority = await Authority.open(temporaryDirectory(t))
  const entries = () => readFileSync(authority.crlFile, 'utf8').length
  for (const name of ['a', 'b']) await authority.issueClient(name, 9, false)
  await authority.revokeClient('a', 9)
  const one = entries()
  await authority.revokeClient('b', 9)
  const two = entries()
  assert.ok(two > one)
  await authority.revokeClient('a', 9)
  assert.ok(Math.abs(entries() - two) < (two - one) / 2)
})

test('an authority that cannot issue is ERR_CERTIFICATE_AUTHORITY, and no file of it is touched', async (t) => {
  const other = temporaryDirectory(t)
  const { certFile: leaf } = await (await Authority.open(other)).issueClient('a', 9, false)
  const spoil: Record<string, (directory: string) => void> = {
    'no key': (directory) => rmSync(join(directory, 'ca.key')),
    'another key': (directory) => writeFileSync(join(directory, 'ca.key'), readFileSync(join(other, 'ca.key'))),
    'the certificate of a client': (directory) => {
      writeFileSync(join(directory, 'ca.crt'), readFileSync(leaf))
      writeFileSync(join(directory, 'ca.key'), readFileSync(join(other, 'a.key')))
    },
    'one that has expired': (directory) => {
      const keys = newKeyPair()
      const subject = commonNameOf('old')
      const expired = certificateOf({ subject, keys, isAuthority: true, notAfterMs: Date.now() - 1000 })
      writeFileSync(join(directory, 'ca.crt'), expired.toString())
      writeFileSync(join(directory, 'ca.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    },
  }
  for (const [what, change] of Object.entries(spoil)) {
    const directory = temporaryDirectory(t)
    await Authority.open(directory)
    change(directory)
    const before = readFileSync(join(directory, 'ca.crt'), 'utf8')
    await assert.rejects(Authority.open(directory), isError('ERR_CERTIFICATE_AUTHORITY'), what)
    assert.equal(readFileSync(join(directory, 'ca.crt'), 'utf8'), before)
  }
})

test('a file that holds something else is ERR_CERTIFICATE_FILE', async (t) => {
  const directory = temporaryDirectory(t)
  const authority = await Authority.open(directory)
  for (const name of ['ca.crt', 'a.key']) {
    const path = join(directory, name)
    writeFileSync(path, 'nothing that is PEM')
    const attempt = name === 'ca.crt' ? Authority.open(directory) : authority.issueClient('a', 9, false)
    await assert.rejects(attempt, isError('ERR_CERTIFICATE_FILE'), name)
    assert.equal(readFileSync(path, 'utf8'), 'nothing that is PEM')
  }
  await assert.rejects(authority.revokeClient('nobody', 9), isError('ERR_CERTIFICATE_FILE'))
  const stranger = await (await Authority.open(temporaryDirectory(t))).issueClient('stranger', 9, false)
  writeFileSync(join(directory, 'stranger.crt'), readFileSync(stranger.certFile))
  await assert.rejects(authority.revokeClient('stranger', 9), isError('ERR_CERTIFICATE_FILE'))
  await authority.issueClient('b', 9, false)
  writeFileSync(authority.crlFile, 'nothing that is PEM')
  await assert.rejects(authority.revokeClient('b', 9), isError('ERR_CERTIFICATE_FILE'))
  writeFileSync(join(directory, 'file'), '')
  await assert.rejects(Authority.open(join(directory, 'file', 'below')), isError('ERR_CERTIFICATE_FILE'))
})

test('hosts are DNS names, also with a star, and addresses; client names are plain words', () => {
  for (const [text, type, value] of [
    ['Broker.Plant.example', 'dns', 'broker.plant.example'],
    ['*.plant.example', 'dns', '*.plant.example'],
    ['büro.example', 'dns', 'xn--bro-hoa.example'],
    ['192.0.2.7', 'ip', '192.0.2.7'],
    ['2001:db8::1', 'ip', '2001:db8::1'],
  ] as const) {
    assert.deepEqual(parseHostName(text), { type, value })
  }
  for (const text of [
    '',
    'a b',
    'http://a',
    'a..b',
    '-a',
    'a,DNS:b',
    '1.2.3',
    '1.2.3.4.5',
    '*',
    'a.*.b',
    'fe80::1%eth0',
    'x'.repeat(64),
  ]) {
    assert.throws(() => parseHostName(text), isError('ERR_CERTIFICATE_NAME'), text)
  }
  for (const name of ['press-7', 'a@b.example', 'Pump_3']) assert.equal(checkClientName(name), name)
  for (const name of ['', '..', '../a', 'a/b', 'a b', 'CN=a', 'ca', 'Server', 'a\n', '.hidden', 'x'.repeat(65)]) {
    assert.throws(() => checkClientName(name), isError('ERR_CERTIFICATE_NAME'), name)
  }
})
