import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { ClientError, type ClientErrorCode } from '../../../clients/errors.ts'
import { SecureClient, type SecureLink, SecureServer } from '../../../clients/secure-link/index.ts'
import type { ProtocolErrorCode } from '../../../protocol/index.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { runPython, startPython } from '../../helpers/python.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { answerInCapitals, LinkSite } from '../../helpers/secure-links.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { startTlsProxy } from '../../helpers/tls-proxy.ts'
import { hasPython } from '../../helpers/tools.ts'

const rejects = (promise: Promise<unknown>, code: ClientErrorCode | ProtocolErrorCode) =>
  assert.rejects(promise, { code })
const text = (content: Uint8Array | undefined) => (content === undefined ? undefined : Buffer.from(content).toString())

/** As the lab has it, written down once more. */
function frame(macKey: Uint8Array, content: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content, createHmac('sha256', macKey).update(content).digest()])
}

test('a client and a server exchange contents of any bytes and size, in order', async (t) => {
  const echo = async (link: SecureLink) => {
    for (let one = await link.receive(); one !== undefined; one = await link.receive()) await link.send(one)
  }
  const site = await LinkSite.start(t, {}, echo)
  const client = await site.connect()
  const random = new SeededRandom(4)
  const contents = [0, 1, 31, 65_536, 1024 * 1024, 5].map((length) => Buffer.from(random.bytes(length)))
  const sent = Promise.all(contents.map((content) => client.send(content)))
  for (const content of contents) assert.deepEqual(Buffer.from((await client.receive()) ?? []), content)
  await sent
})

test('a frame is a length in four bytes, the content and HMAC-SHA256 of the content', async (t) => {
  const site = await LinkSite.start(t)
  const raw = await site.connectRaw()
  raw.write(frame(site.macKey, Buffer.from('abc')))
  const expected = frame(site.macKey, Buffer.from('ABC'))
  const got: Buffer[] = []
  for await (const piece of raw) {
    got.push(piece as Buffer)
    if (Buffer.concat(got).length >= expected.length) break
  }
  assert.deepEqual(Buffer.concat(got), expected)
})

test('an altered byte between two TLS connections that both verify ends the link: the server says which', async (t) => {
  const site = await LinkSite.start(t)
  let alterations = 0
  const port = await startTlsProxy(t, {
    authority: site.authority,
    identity: site.identity,
    port: site.port,
    alter: (piece) => {
      const last = piece.length - 33
      if (piece.includes('second')) {
        alterations++
        piece[last] = (piece[last] as number) ^ 1
      }
      return piece
    },
  })
  const client = await site.connect({ port })
  await client.send(Buffer.from('first'))
  assert.equal(text(await client.receive()), 'FIRST')
  await client.send(Buffer.from('second'))
  assert.equal(((await site.firstError()) as ClientError).code, 'ERR_MAC_INVALID')
  assert.equal(alterations, 1)
  const answer = await client.receive().catch((error: unknown) => error)
  assert.ok(answer === undefined || answer instanceof ClientError, 'nothing of it is answered')
})

test('two ends with different MAC keys have no link', async (t) => {
  const site = await LinkSite.start(t)
  const client = await site.connect({ macKey: Buffer.alloc(32, 8) })
  await client.send(Buffer.from('hello'))
  assert.equal(((await site.firstError()) as ClientError).code, 'ERR_MAC_INVALID')
})

test('a frame that claims more than is taken ends the link before memory is taken for it', async (t) => {
  const site = await LinkSite.start(t, { maxContentBytes: 1000 })
  const raw = await site.connectRaw()
  raw.write(frame(site.macKey, Buffer.alloc(1000, 'a')))
  await once(raw, 'data')
  const before = process.memoryUsage().arrayBuffers
  raw.write(Buffer.of(0xff, 0xff, 0xff, 0xff))
  assert.equal(((await site.firstError()) as ClientError).code, 'ERR_LINK_FRAME_TOO_LARGE')
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 28)
})

test('a link that ends within a frame is cut off, wherever that is; between two frames it has ended', async (t) => {
  const outcomes: unknown[] = []
  let told: () => void = () => {}
  const site = await LinkSite.start(t, {}, async (link) => {
    outcomes.push(await link.receive().then(text, ({ code }: ClientError) => code))
    outcomes.push(await link.receive().then(text, ({ code }: ClientError) => code))
    told()
  })
  const whole = frame(site.macKey, Buffer.from('abc'))
  for (const [bytes, expected] of [
    [whole, ['abc', undefined]],
    [Buffer.alloc(0), [undefined, undefined]],
    [whole.subarray(0, 2), ['ERR_LINK_CUT_OFF', 'ERR_LINK_CUT_OFF']],
    [whole.subarray(0, 6), ['ERR_LINK_CUT_OFF', 'ERR_LINK_CUT_OFF']],
    [whole.subarray(0, -1), ['ERR_LINK_CUT_OFF', 'ERR_LINK_CUT_OFF']],
    [Buffer.concat([whole, whole.subarray(0, 1)]), ['abc', 'ERR_LINK_CUT_OFF']],
  ] as const) {
    outcomes.length = 0
    const both = new Promise<void>((resolve) => {
      told = resolve
    })
    const raw = await site.connectRaw()
    raw.end(bytes)
    await both
    assert.deepEqual(outcomes, expected)
  }
})

test('an end that has ended its side still gets the answer, and then the end of the other', async (t) => {
  const site = await LinkSite.start(t, {}, async (link) => {
    const contents: string[] = []
    for (let one = await link.receive(); one !== undefined; one = await link.receive()) contents.push(text(one) ?? '')
    await link.send(Buffer.from(contents.join('+')))
  })
  const client = await site.connect()
  await client.send(Buffer.from('a'))
  await client.send(Buffer.from('b'))
  client.end()
  assert.equal(text(await client.receive()), 'a+b')
  assert.equal(await client.receive(), undefined)
  await rejects(client.send(Buffer.from('c')), 'ERR_CONNECTION')
})

test('who waits for a frame on a link that breaks learns of it, and so does who asks later', async (t) => {
  const site = await LinkSite.start(t)
  const client = await site.connect()
  const waiting = [client.receive(), client.receive()]
  client.socket.destroy(new Error('cable'))
  for (const one of waiting) await rejects(one, 'ERR_CONNECTION')
  await rejects(client.receive(), 'ERR_CONNECTION')
})

test('certificates that do not verify make no link: of the server, and of a client where one is asked for', async (t) => {
  const site = await LinkSite.start(t)
  const stranger = await TestAuthority.create(temporaryDirectory(t), 'stranger')
  const where = { host: '127.0.0.1', port: site.port, macKey: site.macKey }
  await rejects(SecureClient.connect({ ...where, tls: { ca: stranger.cert } }), 'ERR_CONNECTION')
  await rejects(SecureClient.connect({ ...where, host: '127.0.0.1', port: 1, tls: {} }), 'ERR_CONNECTION')
  const { identity, authority } = site
  const tls = { cert: identity.cert, key: identity.key, ca: authority.cert, requestCert: true }
  const mutual = await LinkSite.start(t, { tls })
  const anonymous = { ...where, port: mutual.port, tls: { ca: mutual.authority.cert } }
  assert.notEqual(authority.cert, mutual.authority.cert)
  await rejects(SecureClient.connect(anonymous), 'ERR_CONNECTION')
})

test('a key of MACs that is too short and a content that is too long are refused before anything is sent', async (t) => {
  const site = await LinkSite.start(t)
  await rejects(site.connect({ macKey: Buffer.alloc(31) }), 'ERR_LINK_OPTIONS')
  const settings = { host: '127.0.0.1', port: 0, tls: {}, macKey: Buffer.alloc(31), onError: () => {} }
  await rejects(SecureServer.listen({ ...settings, onLink: answerInCapitals }), 'ERR_LINK_OPTIONS')
  const client = await site.connect()
  await rejects(client.send(Buffer.alloc(1024 * 1024 + 1)), 'ERR_LINK_OPTIONS')
})

test('an address that is taken is an error, and more links than allowed are closed', async (t) => {
  const site = await LinkSite.start(t, { maxLinks: 1 })
  const { macKey, port } = site
  const taken = { host: '127.0.0.1', port, tls: {}, macKey, onLink: answerInCapitals, onError: () => {} }
  await rejects(SecureServer.listen(taken), 'ERR_CONNECTION')
  const first = await site.connect()
  await rejects(site.connect(), 'ERR_CONNECTION')
  await first.send(Buffer.from('still'))
  assert.equal(text(await first.receive()), 'STILL')
})

test('a client in Python with ssl and hmac talks to our server, and our client to a server in Python', async (t) => {
  if (!hasPython(t)) return
  const site = await LinkSite.start(t)
  const { authority, device, identity, macKey } = site
  const args = (one: { certFile: string; keyFile: string }, key = macKey) => {
    return [authority.caFile, one.certFile, one.keyFile, key.toString('hex')]
  }
  const client = await runPython(t, ['secure_link.py', 'client', `${site.port}`, ...args(device), 'Grüße', '', 'x'])
  assert.deepEqual(client, { code: 0, stdout: 'GRÜSSE\n\nX\n', stderr: '' })
  const server = startPython(t, ['secure_link.py', 'server', '0', ...args(identity)])
  const port = Number((await server.line(/^port /)).slice('port '.length))
  const ours = await site.connect({ port })
  await ours.send(Buffer.from('from node'))
  assert.equal(text(await ours.receive()), 'FROM NODE')
  ours.end()
  assert.equal(await ours.receive(), undefined)
  assert.equal((await server.ended).code, 0)

  const other = startPython(t, ['secure_link.py', 'server', '0', ...args(identity, Buffer.alloc(32))])
  const otherPort = Number((await other.line(/^port /)).slice('port '.length))
  const forger = await site.connect({ port: otherPort })
  await forger.send(Buffer.from('x'))
  assert.deepEqual([(await other.ended).code, (await other.ended).stderr], [1, 'invalid tag\n'])
})
