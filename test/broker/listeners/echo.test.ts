import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { ListenerOptions, TransportKind } from '../../../broker/listeners/index.ts'
import { SeededRandom } from '../../helpers/random.ts'
import {
  createCertificates,
  openTcp,
  openTestListener,
  openTls,
  openWebSocket,
  receive,
  type TestCertificates,
} from './support.ts'

const messages = 200
const messageBytes = 5 * 1024

function payloads(): Buffer[] {
  const random = new SeededRandom(5)
  return Array.from({ length: messages }, () => Buffer.from(random.bytes(messageBytes)))
}

/** Sends all payloads at once and returns what came back. */
type Exchange = (
  t: TestContext,
  address: { host: string; port: number },
  certificates: TestCertificates,
  sent: readonly Buffer[],
) => Promise<Buffer>

const overWebSocket =
  (scheme: 'ws' | 'wss'): Exchange =>
  async (t, { host, port }, { authority }, sent) => {
    const options = scheme === 'wss' ? { ca: authority.cert } : {}
    const webSocket = await openWebSocket(
      t,
      `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/mqtt`,
      options,
    )
    const back = new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = []
      webSocket.on('message', (data: Buffer, isBinary) => {
        if (!isBinary) reject(new Error('a text frame'))
        if (chunks.push(data) === sent.length) resolve(Buffer.concat(chunks))
      })
      webSocket.once('close', (code) => reject(new Error(`closed with ${code}`)))
    })
    for (const payload of sent) webSocket.send(payload)
    return back
  }

const exchanges: Record<TransportKind, Exchange> = {
  tcp: async (t, { host, port }, _certificates, sent) => {
    const socket = await openTcp(t, port, host)
    for (const payload of sent) socket.write(payload)
    return receive(socket, messages * messageBytes)
  },
  tls: async (t, { host, port }, { authority }, sent) => {
    const socket = await openTls(t, port, { host, ca: authority.cert })
    for (const payload of sent) socket.write(payload)
    return receive(socket, messages * messageBytes)
  },
  ws: overWebSocket('ws'),
  wss: overWebSocket('wss'),
}

function optionsOf(kind: TransportKind, { server }: TestCertificates): Partial<ListenerOptions> {
  return {
    protocol: kind === 'ws' || kind === 'wss' ? 'websockets' : 'mqtt',
    ...(kind === 'tls' || kind === 'wss' ? { tls: { certFile: server.certFile, keyFile: server.keyFile } } : undefined),
  }
}

describe('200 messages of 5 kB come back intact', () => {
  for (const [kind, exchange] of Object.entries(exchanges) as [TransportKind, Exchange][]) {
    for (const host of ['127.0.0.1', '::1']) {
      test(`over ${kind} and ${host}`, async (t) => {
        const certificates = await createCertificates(t)
        const { port, accepted } = await openTestListener(t, { host, ...optionsOf(kind, certificates) })
        const sent = payloads()
        const back = await exchange(t, { host, port }, certificates, sent)
        assert.ok(back.equals(Buffer.concat(sent)))
        const [first] = accepted
        assert.equal(first?.transport.kind, kind)
        assert.equal(first?.transport.remoteAddress, host)
        assert.ok((first?.transport.remotePort ?? 0) > 0)
      })
    }
  }
})

test('listeners of all four protocols on both address families serve their clients side by side', async (t) => {
  const certificates = await createCertificates(t)
  const sent = payloads()
  const kinds = Object.keys(exchanges) as TransportKind[]
  const all = kinds.flatMap((kind) => ['127.0.0.1', '::1'].map((host) => ({ kind, host })))
  const names = await Promise.all(
    all.map(async ({ kind, host }) => {
      const { listener, port } = await openTestListener(t, { host, ...optionsOf(kind, certificates) })
      const back = await exchanges[kind](t, { host, port }, certificates, sent)
      assert.ok(back.equals(Buffer.concat(sent)), `${kind} ${host}`)
      assert.equal(listener.info.isTls, kind === 'tls' || kind === 'wss')
      assert.equal(listener.info.isLoopback, true)
      return listener.info.name.replace(/\d+$/, 'PORT')
    }),
  )
  assert.deepEqual(names, [
    ...['mqtt://127.0.0.1:PORT', 'mqtt://[::1]:PORT', 'mqtts://127.0.0.1:PORT', 'mqtts://[::1]:PORT'],
    ...['ws://127.0.0.1:PORT', 'ws://[::1]:PORT', 'wss://127.0.0.1:PORT', 'wss://[::1]:PORT'],
  ])
})

test('a listener without an address takes both families on one port and names IPv4 clients by their IPv4 address', async (t) => {
  const { port, accepted, listener } = await openTestListener(t, {}, { onAllAddresses: true })
  for (const host of ['127.0.0.1', '::1']) {
    const socket = await openTcp(t, port, host)
    socket.write('x')
    await receive(socket, 1)
  }
  assert.deepEqual(
    accepted.map(({ transport }) => transport.remoteAddress),
    ['127.0.0.1', '::1'],
  )
  assert.equal(listener.info.isLoopback, false)
})

for (const [addressFamily, own, other] of [
  ['ipv4', '127.0.0.1', '::1'],
  ['ipv6', '::1', '127.0.0.1'],
] as const) {
  test(`a listener for ${addressFamily} alone takes no other family`, async (t) => {
    const { port } = await openTestListener(t, { addressFamily }, { onAllAddresses: true })
    const socket = await openTcp(t, port, own)
    socket.write('x')
    await receive(socket, 1)
    await assert.rejects(openTcp(t, port, other), { code: 'ECONNREFUSED' })
  })
}
