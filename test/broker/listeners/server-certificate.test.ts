import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { TestAuthority } from '../../helpers/certificates.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { until } from '../../helpers/test-sessions.ts'
import { openTestListener, openTls } from './support.ts'

async function issue(t: TestContext) {
  const authority = await TestAuthority.create(temporaryDirectory(t))
  return { authority, server: await authority.issue({ name: 'localhost', use: 'server' }) }
}

const sha256Of = (pem: string) => createHash('sha256').update(new X509Certificate(pem).raw).digest()

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a connection knows the certificate that it was shown, also after another took its place (${maxVersion})`, async (t) => {
    const [first, second] = [await issue(t), await issue(t)]
    const [old, next] = [first.server, second.server]
    const optionsOf = ({ certFile, keyFile }: typeof old) => ({ tls: { certFile, keyFile } })
    const { port, listener, accepted } = await openTestListener(t, optionsOf(old))
    await openTls(t, port, { ca: first.authority.cert, maxVersion })
    listener.prepareReload({ protocol: 'mqtt', port, ...optionsOf(next) })()
    await openTls(t, port, { ca: second.authority.cert, maxVersion })
    // The client's side of the handshake is done first.
    await until(() => accepted.length === 2)
    assert.deepEqual(
      accepted.map(({ arrival }) => arrival.tls?.serverCertificateSha256()),
      [old, next].map(({ cert }) => sha256Of(cert)),
    )
  })
}
