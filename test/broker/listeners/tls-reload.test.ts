import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import type { IssuedCertificate } from '../../../broker/certificates/authority.ts'
import { certificateOf, commonNameOf, listOf, nameOf, newKeyPair, pemOf, stringTag } from './der-writer.ts'
import { HeldSocket } from './held-socket.ts'
import { openTcp, openTestListener, openTls, receive, until } from './support.ts'
import { type Files, isServed, isUnusable, makeFiles, mutual } from './tls-support.ts'

function credentials({ authority }: Files, { certFile, keyFile }: IssuedCertificate): ConnectionOptions {
  return { ca: readFileSync(authority.certFile), cert: readFileSync(certFile), key: readFileSync(keyFile) }
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  describe(`revocation, with ${maxVersion}`, () => {
    test('refuses a client whose certificate is in the list at start, and no other', async (t) => {
      const files = await makeFiles(t)
      const [lost, kept] = [
        await files.authority.issueClient('lost', 9, false),
        await files.authority.issueClient('kept', 9, false),
      ]
      await files.authority.revokeClient('lost', 9)
      const { port, notices } = await openTestListener(t, mutual(files, { crlFile: files.authority.crlFile }))
      assert.equal(await isServed(port, { ...credentials(files, lost), maxVersion }), false)
      assert.match(notices[0] ?? '', /CERT_REVOKED/)
      assert.equal(await isServed(port, { ...credentials(files, kept), maxVersion }), true)
    })

    test('takes hold at a reload: also of a client that resumes its session, and connections that are open stay', async (t) => {
      const files = await makeFiles(t)
      const [lost, kept] = [
        await files.authority.issueClient('lost', 9, false),
        await files.authority.issueClient('kept', 9, false),
      ]
      await files.authority.issueClient('other', 9, false)
      await files.authority.revokeClient('other', 9)
      const { port, listener, prepareReload, accepted } = await openTestListener(
        t,
        mutual(files, { crlFile: files.authority.crlFile }),
      )
      const first = await openTls(t, port, { ...credentials(files, lost), maxVersion })
      const sessions: Buffer[] = []
      first.on('session', (session) => sessions.push(session))
      first.write('x')
      await receive(first, 1)
      if (maxVersion === 'TLSv1.2') sessions.push(first.getSession() as Buffer)
      await until(() => sessions.length > 0)
      const second = await openTls(t, port, { ...credentials(files, kept), maxVersion })
      second.write('x')
      await receive(second, 1)

      await files.authority.revokeClient('lost', 9)
      prepareReload()()
      const [session] = sessions
      assert.equal(
        await isServed(port, { ...credentials(files, lost), maxVersion, ...(session && { session }) }),
        false,
      )
      assert.equal(await isServed(port, { ...credentials(files, lost), maxVersion }), false)
      assert.equal(await isServed(port, { ...credentials(files, kept), maxVersion }), true)
      first.write('y')
      assert.equal((await receive(first, 1)).toString(), 'y')
      const problems = accepted.slice(0, 2).map(({ arrival }) => {
        const certificate = arrival.tls?.peerCertificate
        return certificate && listener.certificateProblem(certificate)
      })
      assert.deepEqual(problems, ['CERT_REVOKED', undefined])
    })

    test('counts for an authority that the client itself sends, also when its session is resumed', async (t) => {
      const files = await makeFiles(t)
      const root = { subject: commonNameOf('root'), keys: newKeyPair() }
      const between = { subject: commonNameOf('between'), keys: newKeyPair() }
      const keys = newKeyPair()
      const chain = [
        certificateOf({ subject: commonNameOf('press-7'), keys, issuer: between }),
        certificateOf({ ...between, issuer: root, isAuthority: true }),
      ]
      const caFile = join(files.directory, 'root.crt')
      writeFileSync(caFile, certificateOf({ ...root, isAuthority: true }).toString())
      const crlFile = join(files.directory, 'between.crl')
      writeFileSync(crlFile, pemOf('X509 CRL', listOf({ issuer: between.subject, keys: between.keys, revoked: [1] })))
      const { port, listener, prepareReload, accepted } = await openTestListener(t, mutual(files, { caFile, crlFile }))
      const options = {
        ca: readFileSync(files.authority.certFile),
        cert: chain.map(String).join('\n'),
        key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
        maxVersion,
      }
      const first = await openTls(t, port, options)
      const session = maxVersion === 'TLSv1.2' ? [first.getSession()] : once(first, 'session')
      first.write('x')
      await receive(first, 1)
      const again = await openTls(t, port, { ...options, session: (await session)[0] })
      again.write('x')
      await receive(again, 1)
      assert.equal(again.isSessionReused(), true)
      const [certificate] = accepted.map(({ arrival }) => arrival.tls?.peerCertificate)
      assert.equal(certificate && listener.certificateProblem(certificate), undefined)
      writeFileSync(crlFile, pemOf('X509 CRL', listOf({ issuer: between.subject, keys: newKeyPair(), revoked: [] })))
      prepareReload()()
      assert.equal(await isServed(port, options), false)
      assert.equal(certificate && listener.certificateProblem(certificate), 'UNABLE_TO_GET_CRL')
    })
  })
}

describe('a reload', () => {
  test('shows the new server certificate to who comes, and leaves who is there alone', async (t) => {
    const files = await makeFiles(t)
    const { certFile, keyFile, authority } = files
    const { port, prepareReload } = await openTestListener(t, { tls: { certFile, keyFile } })
    const ca = readFileSync(authority.certFile)
    const before = await openTls(t, port, { ca })
    await authority.issueServer([{ type: 'dns', value: 'localhost' }], 30, true)
    prepareReload()()
    const after = await openTls(t, port, { ca })
    assert.notEqual(after.getPeerCertificate().serialNumber, before.getPeerCertificate().serialNumber)
    assert.equal(after.getPeerCertificate().pubkey?.equals(before.getPeerCertificate().pubkey as Buffer), true)
    before.write('x')
    await receive(before, 1)
  })

  test('takes other authorities, and tells whose client may no longer come', async (t) => {
    const [files, other] = [await makeFiles(t), await makeFiles(t)]
    const [old, young] = [
      await files.authority.issueClient('old', 9, false),
      await other.authority.issueClient('young', 9, false),
    ]
    const caFile = join(files.directory, 'clients.pem')
    copyFileSync(files.authority.certFile, caFile)
    const { port, listener, prepareReload, accepted } = await openTestListener(t, mutual(files, { caFile }))
    const ca = readFileSync(files.authority.certFile)
    assert.equal(await isServed(port, { ...credentials(files, old), ca }), true)
    assert.equal(await isServed(port, { ...credentials(other, young), ca }), false)
    copyFileSync(other.authority.certFile, caFile)
    prepareReload()()
    assert.equal(await isServed(port, { ...credentials(files, old), ca }), false)
    assert.equal(await isServed(port, { ...credentials(other, young), ca }), true)
    const problems = accepted.map(({ arrival }) => {
      const certificate = arrival.tls?.peerCertificate
      return certificate && listener.certificateProblem(certificate)
    })
    assert.deepEqual(problems, ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', undefined])
  })

  test('judges a handshake that had begun before by the new files', async (t) => {
    const [files, other] = [await makeFiles(t), await makeFiles(t)]
    const caFile = join(files.directory, 'clients.pem')
    copyFileSync(files.authority.certFile, caFile)
    const { port, prepareReload, notices } = await openTestListener(t, mutual(files, { caFile }))
    const socket = await openTcp(t, port)
    // The ClientHello is there, the rest waits until the files have changed.
    const client = await files.authority.issueClient('old', 9, false)
    const held = new HeldSocket(socket)
    const tls = held.secure({ ...credentials(files, client), servername: 'localhost' })
    await held.firstAnswer
    copyFileSync(other.authority.certFile, caFile)
    prepareReload()()
    held.release()
    await once(tls, 'close')
    assert.match(notices[0] ?? '', /UNABLE_TO_GET_ISSUER_CERT_LOCALLY/)
  })

  for (const name of ['server.crt', 'server.key', 'ca.crt', 'ca.crl']) {
    test(`with a bad ${name} changes nothing and says ERR_TLS_UNUSABLE`, async (t) => {
      const files = await makeFiles(t)
      const [kept, lost] = [
        await files.authority.issueClient('kept', 9, false),
        await files.authority.issueClient('lost', 9, false),
      ]
      await files.authority.revokeClient('lost', 9)
      const { port, prepareReload } = await openTestListener(t, mutual(files, { crlFile: files.authority.crlFile }))
      const [good, bad] = [credentials(files, kept), credentials(files, lost)]
      writeFileSync(join(files.directory, name), 'nothing that is PEM')
      assert.throws(() => prepareReload()(), isUnusable)
      assert.throws(() => prepareReload(), isUnusable)
      assert.equal(await isServed(port, good), true)
      assert.equal(await isServed(port, bad), false)
    })
  }

  test('that is prepared changes nothing until it is carried out', async (t) => {
    const files = await makeFiles(t)
    const client = await files.authority.issueClient('lost', 9, false)
    await files.authority.issueClient('other', 9, false)
    await files.authority.revokeClient('other', 9)
    const { port, prepareReload } = await openTestListener(t, mutual(files, { crlFile: files.authority.crlFile }))
    await files.authority.revokeClient('lost', 9)
    const carryOut = prepareReload()
    assert.equal(await isServed(port, credentials(files, client)), true)
    carryOut()
    assert.equal(await isServed(port, credentials(files, client)), false)
  })

  test('of a listener without TLS does nothing', async (t) => {
    const { prepareReload, port } = await openTestListener(t)
    prepareReload()()
    await openTcp(t, port)
  })
})

describe('the username', () => {
  test('comes with the arrival, null where the certificate gives none, undefined where nobody asks', async (t) => {
    const files = await makeFiles(t)
    const root = { subject: commonNameOf('root'), keys: newKeyPair() }
    const keys = newKeyPair()
    const caFile = join(files.directory, 'root.crt')
    writeFileSync(caFile, certificateOf({ ...root, isAuthority: true }).toString())
    const [full, nameless] = [commonNameOf('press-7'), nameOf([['2.5.4.10', stringTag.utf8, 'x']])]
    const names = async (settings: object) => {
      const { port, accepted } = await openTestListener(t, mutual(files, { caFile, ...settings }))
      for (const subject of [full, nameless]) {
        const cert = certificateOf({ subject, keys, issuer: root }).toString()
        const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' })
        assert.equal(await isServed(port, { ca: readFileSync(files.authority.certFile), cert, key }), true)
      }
      return accepted.map(({ arrival }) => arrival.certificateUsername)
    }
    assert.deepEqual(await names({ useIdentityAsUsername: true }), ['press-7', null])
    assert.deepEqual(await names({ useSubjectAsUsername: true }), ['CN=press-7', 'O=x'])
    assert.deepEqual(await names({}), [undefined, undefined])
  })

  test('is none where a name is not DER, and the listener goes on', async (t) => {
    const files = await makeFiles(t)
    const root = { subject: commonNameOf('root'), keys: newKeyPair() }
    const keys = newKeyPair()
    const caFile = join(files.directory, 'root.crt')
    writeFileSync(caFile, certificateOf({ ...root, isAuthority: true }).toString())
    // A length of two bytes where one would do.
    const subject = Buffer.from('30820010310e300c0603550403' + '0c05' + '7072657373', 'hex')
    const cert = certificateOf({ subject, keys, issuer: root }).toString()
    const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const ca = readFileSync(files.authority.certFile)
    const { port, accepted } = await openTestListener(t, mutual(files, { caFile, useIdentityAsUsername: true }))
    assert.equal(await isServed(port, { ca, cert, key }), true)
    assert.equal(accepted[0]?.arrival.certificateUsername, null)
    const crlFile = join(files.directory, 'root.crl')
    writeFileSync(crlFile, pemOf('X509 CRL', listOf({ issuer: root.subject, keys: root.keys })))
    const strict = await openTestListener(t, mutual(files, { caFile, crlFile }))
    assert.equal(await isServed(strict.port, { ca, cert, key }), false)
    assert.match(strict.notices[0] ?? '', /cannot be judged/)
    assert.equal(strict.accepted.length, 0)
  })
})
