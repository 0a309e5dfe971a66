import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { BrokerError } from '../../../broker/errors.ts'
import {
  AddressCounts,
  isAddressMissing,
  type ListenerOptions,
  openListener,
  type TransportKind,
} from '../../../broker/listeners/index.ts'
import { SeededRandom } from '../../helpers/random.ts'
import {
  closed,
  createCertificates,
  openTcp,
  openTestListener,
  openTls,
  openWebSocket,
  receive,
  type TestCertificates,
  type TestListener,
  type TestListenerSettings,
} from './support.ts'

const kinds: readonly TransportKind[] = ['tcp', 'tls', 'ws', 'wss']

interface Target extends TestListener {
  readonly certificates: TestCertificates
}

async function openTarget(t: TestContext, kind: TransportKind, settings?: TestListenerSettings): Promise<Target> {
  const certificates = await createCertificates(t)
  const { certFile, keyFile } = certificates.server
  const options: Partial<ListenerOptions> = {
    protocol: kind.startsWith('ws') ? 'websockets' : 'mqtt',
    ...(kind === 'tls' || kind === 'wss' ? { tls: { certFile, keyFile } } : undefined),
  }
  return { ...(await openTestListener(t, options, settings)), certificates }
}

/** One client that connects, is echoed and leaves. */
async function assertServed(t: TestContext, kind: TransportKind, { port, certificates }: Target): Promise<void> {
  const ca = certificates.authority.cert
  if (kind === 'tcp' || kind === 'tls') {
    const socket = kind === 'tcp' ? await openTcp(t, port) : await openTls(t, port, { ca })
    socket.write('x')
    await receive(socket, 1)
    socket.destroy()
    return
  }
  const webSocket = await openWebSocket(t, `${kind}://127.0.0.1:${port}`, kind === 'wss' ? { ca } : {})
  const back = new Promise((resolve) => webSocket.once('message', resolve))
  webSocket.send(Buffer.from('x'))
  await back
  webSocket.terminate()
}

for (const kind of kinds) {
  describe(`a ${kind} listener`, () => {
    test('goes on serving while garbage comes in', async (t) => {
      const target = await openTarget(t, kind)
      const seed = 8883
      const random = new SeededRandom(seed)
      t.diagnostic(`seed ${seed}`)
      for (let i = 0; i < 40; i++) {
        const socket = await openTcp(t, target.port)
        const bytes = Buffer.from(random.bytes(1 + random.below(400)))
        // Every other one gets as far as the TLS parser.
        if (i % 2 === 0) bytes[0] = 22
        socket.end(bytes)
        await closed(socket)
      }
      await assertServed(t, kind, target)
    })

    test('goes on serving while connections are reset at every stage', async (t) => {
      const target = await openTarget(t, kind)
      const ca = target.certificates.authority.cert
      for (let i = 0; i < 100; i++) {
        const socket = await openTcp(t, target.port)
        if (i % 3 === 1) socket.write(Buffer.from([22, 3, 1, 2]))
        if (i % 3 === 2) socket.write('GET / HTTP/1.1\r\n')
        socket.resetAndDestroy()
      }
      for (let i = 0; i < 20; i++) {
        if (kind === 'tcp') (await openTcp(t, target.port)).resetAndDestroy()
        if (kind === 'tls') {
          const socket = await openTls(t, target.port, { ca })
          socket.write(Buffer.alloc(100_000))
          socket.destroy()
        }
        if (kind === 'ws' || kind === 'wss') {
          const options = kind === 'wss' ? { ca } : {}
          const webSocket = await openWebSocket(t, `${kind}://127.0.0.1:${target.port}`, options)
          webSocket.send(Buffer.alloc(100_000))
          webSocket.terminate()
        }
      }
      await assertServed(t, kind, target)
    })

    test('stops at once, whatever is open', async (t) => {
      const target = await openTarget(t, kind, { accept: () => {} })
      const ca = target.certificates.authority.cert
      const silent = await openTcp(t, target.port)
      const inHandshake = await openTcp(t, target.port)
      inHandshake.write(kind === 'ws' ? 'GET / HTTP/1.1\r\nHo' : Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]))
      const halfOpen = await openTcp(t, target.port)
      halfOpen.end()
      const open =
        kind === 'tcp'
          ? await openTcp(t, target.port)
          : kind === 'tls'
            ? await openTls(t, target.port, { ca })
            : await openWebSocket(t, `${kind}://127.0.0.1:${target.port}`, kind === 'wss' ? { ca } : {})
      const allGone = Promise.all([
        ...[silent, inHandshake, halfOpen].map(closed),
        new Promise((resolve) => open.once('close', resolve)),
      ])
      target.listener.stop()
      await assert.rejects(openTcp(t, target.port), { code: 'ECONNREFUSED' })
      await target.listener.end()
      await allGone
      const free = createServer()
      await new Promise<void>((resolve, reject) => {
        free.once('error', reject)
        free.listen(target.port, '127.0.0.1', resolve)
      })
      await new Promise((resolve) => free.close(resolve))
      await target.listener.end()
    })
  })
}

describe('openListener', () => {
  const context = {
    addresses: new AddressCounts(() => 0),
    connectTimeoutMs: 1000,
    onError: (error: unknown) => assert.fail(String(error)),
    onNotice: () => {},
  }
  const open = (options: Partial<ListenerOptions>) =>
    openListener({ protocol: 'mqtt', port: 0, host: '127.0.0.1', ...options }, () => {}, context)

  test('refuses a port in use and an address of another machine with ERR_LISTEN_FAILED', async (t) => {
    const { port } = await openTestListener(t)
    await assert.rejects(open({ port }), (error) => {
      return error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED' && !isAddressMissing(error)
    })
    await assert.rejects(open({ host: '192.0.2.1' }), (error) => {
      return error instanceof BrokerError && error.code === 'ERR_LISTEN_FAILED' && isAddressMissing(error)
    })
  })

  test('refuses certificates that cannot be used with ERR_TLS_UNUSABLE, before it listens', async (t) => {
    const { server, client, authority } = await createCertificates(t)
    const { certFile, keyFile } = server
    const wrong = [
      { certFile: `${certFile}.missing`, keyFile },
      { certFile, keyFile: `${keyFile}.missing` },
      { certFile, keyFile, caFile: `${authority.caFile}.missing` },
      { certFile: keyFile, keyFile },
      { certFile, keyFile: certFile },
      { certFile, keyFile: client.keyFile },
    ]
    for (const tls of wrong) {
      await assert.rejects(open({ tls }), (error) => error instanceof BrokerError && error.code === 'ERR_TLS_UNUSABLE')
    }
    const opened = await open({ tls: { certFile, keyFile, caFile: authority.caFile } })
    await opened.end()
  })
})
