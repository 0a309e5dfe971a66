import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TlsOptions } from '../../../broker/listeners/index.ts'
import { expiryWarning, loadTlsFiles } from '../../../broker/listeners/tls-files.ts'
import { commonNameOf, listOf, newKeyPair, pemOf } from './der-writer.ts'
import { openTestListener, openTls } from './support.ts'
import { isServed, isUnusable, makeFiles, mutual, put } from './tls-support.ts'

const dayMs = 86_400_000

test('files that cannot be used are refused with ERR_TLS_UNUSABLE, before a port is opened', async (t) => {
  const files = await makeFiles(t)
  const other = await makeFiles(t)
  const { certFile, keyFile, authority } = files
  const encrypted = newKeyPair().privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  })
  const empty = put(files, 'empty', '')
  const emptyDirectory = join(files.directory, 'none')
  mkdirSync(emptyDirectory)
  const damaged = readFileSync(certFile, 'utf8').replace(/\n[A-Za-z0-9+/]{10}/, '\nAAAAAAAAAA')
  const cases: Record<string, Partial<TlsOptions>> = {
    'a key of another certificate': { keyFile: other.keyFile },
    'a key with a passphrase': { keyFile: put(files, 'secret.key', encrypted.toString()) },
    'no key': { keyFile: join(files.directory, 'missing') },
    'a certificate for a key': { keyFile: certFile },
    'a key for a certificate': { certFile: keyFile },
    'a damaged certificate': { certFile: put(files, 'damaged.crt', damaged) },
    'an empty file for authorities': { caFile: empty },
    'no directory of authorities': { caPath: join(files.directory, 'missing') },
    'a directory without authorities': { caPath: emptyDirectory },
    'no revocation list': { caFile: authority.certFile, crlFile: join(files.directory, 'missing') },
    'an empty revocation list': { caFile: authority.certFile, crlFile: empty },
    'a certificate for a revocation list': { caFile: authority.certFile, crlFile: certFile },
    'a damaged revocation list': {
      caFile: authority.certFile,
      crlFile: put(files, 'damaged.crl', pemOf('X509 CRL', Buffer.from('30030201', 'hex'))),
    },
    'ciphers that nobody knows': { ciphers: 'NO-SUCH-CIPHER' },
    'suites of TLS 1.3 alone for TLS 1.2': { ciphers: 'TLS_AES_128_GCM_SHA256' },
    'a cipher of TLS 1.2 for TLS 1.3': { ciphersTls13: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    'no suite for TLS 1.3': { ciphersTls13: ' ' },
  }
  for (const [what, change] of Object.entries(cases)) {
    assert.throws(() => loadTlsFiles({ certFile, keyFile, ...change }, Date.now()), isUnusable, what)
    await assert.rejects(openTestListener(t, { tls: { certFile, keyFile, ...change } }), isUnusable, what)
  }
})

test("the server's own certificate is spoken of when it ends within 14 days, has ended or has not begun", async (t) => {
  const { certFile, keyFile } = await makeFiles(t, 100)
  const certificate = new X509Certificate(readFileSync(certFile))
  const endMs = Date.parse(certificate.validTo)
  const warningAt = (timeMs: number) => expiryWarning(certFile, certificate, timeMs)
  assert.equal(warningAt(endMs - 14 * dayMs), undefined)
  assert.match(warningAt(endMs - 14 * dayMs + 1000) ?? '', /expires in 13 days/)
  assert.match(warningAt(endMs + 1000) ?? '', /has expired/)
  assert.match(warningAt(Date.parse(certificate.validFrom) - 1000) ?? '', /not valid before/)
  const files = loadTlsFiles({ certFile, keyFile }, endMs + 1000)
  assert.equal(files.warnings.length, 1)
})

test('a key that others may read, and a list that is over, are spoken of and used', async (t) => {
  const files = await makeFiles(t)
  chmodSync(files.keyFile, 0o644)
  const old = { issuer: commonNameOf('x'), keys: newKeyPair(), nextUpdateMs: Date.now() - 1000 }
  const crlFile = put(files, 'old.crl', pemOf('X509 CRL', listOf(old)))
  const { warnings, port } = await openTestListener(t, mutual(files, { crlFile, requireCertificate: false }))
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /^Warning: The key .*server\.key can be read/)
  assert.match(warnings[1] ?? '', /^Warning: The revocation list .*old\.crl has expired/)
  assert.equal(await isServed(port, { ca: readFileSync(files.authority.certFile) }), true)
  chmodSync(files.keyFile, 0o640)
  assert.equal(loadTlsFiles({ certFile: files.certFile, keyFile: files.keyFile }, Date.now()).warnings.length, 0)
})

test('every authority of a directory counts, by any of its names, once; other files there do not matter', async (t) => {
  const [files, other] = [await makeFiles(t), await makeFiles(t)]
  const caPath = join(files.directory, 'authorities')
  mkdirSync(join(caPath, 'a directory.pem'), { recursive: true })
  symlinkSync(files.authority.certFile, join(caPath, 'one.pem'))
  symlinkSync(files.authority.certFile, join(caPath, '0a1b2c3d.0'))
  symlinkSync(join(files.directory, 'gone'), join(caPath, 'gone.pem'))
  symlinkSync(other.authority.certFile, join(caPath, 'other.CRT'))
  symlinkSync(files.keyFile, join(caPath, 'README'))
  const { certFile, keyFile } = files
  const tls = { certFile, keyFile, caPath, requireCertificate: true }
  assert.equal(loadTlsFiles(tls, Date.now()).trust.authorities.length, 2)
  const { port } = await openTestListener(t, { tls })
  for (const { authority } of [files, other]) {
    const client = await authority.issueClient('press-7', 1, false)
    const [cert, key] = [readFileSync(client.certFile), readFileSync(client.keyFile)]
    assert.equal(await isServed(port, { ca: readFileSync(files.authority.certFile), cert, key }), true)
  }
})

test('ciphers are for TLS 1.2 and ciphers_tls1.3 for TLS 1.3; either leaves the other as it is', async (t) => {
  const { certFile, keyFile, authority } = await makeFiles(t)
  const ca = readFileSync(authority.certFile)
  const agreed = async (settings: Partial<TlsOptions>, maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
    const { port } = await openTestListener(t, { tls: { certFile, keyFile, ...settings } })
    const socket = await openTls(t, port, { ca, maxVersion })
    return [socket.getProtocol(), socket.getCipher().name]
  }
  const ciphers = 'ECDHE-ECDSA-AES256-SHA384,ECDHE-ECDSA-CHACHA20-POLY1305 TLS_AES_128_CCM_SHA256'
  const older = ['TLSv1.2', 'ECDHE-ECDSA-AES256-SHA384']
  const usual = await agreed({}, 'TLSv1.3')
  assert.deepEqual(await agreed({ ciphers }, 'TLSv1.2'), older)
  assert.deepEqual(await agreed({ ciphers }, 'TLSv1.3'), usual)
  const ciphersTls13 = 'TLS_CHACHA20_POLY1305_SHA256'
  assert.deepEqual(await agreed({ ciphersTls13 }, 'TLSv1.3'), ['TLSv1.3', ciphersTls13])
  assert.deepEqual(await agreed({ ciphersTls13 }, 'TLSv1.2'), await agreed({}, 'TLSv1.2'))
  assert.deepEqual(await agreed({ ciphers, ciphersTls13 }, 'TLSv1.2'), older)
  const { port } = await openTestListener(t, { tls: { certFile, keyFile, ciphers } })
  const other = { ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
  assert.equal(await isServed(port, other), false, 'a client that has none of them')
})
