import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ClientError } from '../../../clients/errors.ts'
import type { Identity } from '../../../clients/identity/index.ts'
import { exchangeOverLink } from '../../../clients/key-exchange/index.ts'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  addHopMac,
  encodeExchangeFrame,
  encodeFrame,
  encodeLinkPublish,
  LinkSender,
  parseSign1,
  signPublish,
  startKeyExchange,
  thumbprintOfP256,
} from '../../../protocol/index.ts'
import { TestAuthority } from '../../helpers/certificates.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { until } from '../../helpers/test-sessions.ts'
import { enrolledIdentity, openSocket, openTestLinks, type TestLinks } from './notary-link-support.ts'

const accepted = (index: number | undefined) => ({ reasonCode: 0, index })
const refused = { reasonCode: 0x87, index: undefined }

async function openLink(t: TestContext, links: TestLinks, identity: Identity, clientId = 'press-7') {
  const socket = await openSocket(t, links.port)
  const { brokerKey } = links
  return { socket, link: await exchangeOverLink(socket, identity, { clientId, brokerKey }) }
}

/** A request of an enrolled device, without any client of ours around it. */
function requestOf(links: TestLinks, identity: Identity, seq: number) {
  const brokerThumbprint = thumbprintOfP256(links.brokerKey, nativeCrypto)
  return startKeyExchange(identity, { clientId: 'press-7', seq, timeMs: Date.now(), brokerThumbprint }, nativeCrypto)
}

/** The link ends without an answer. */
async function isClosedSilently(socket: Socket): Promise<void> {
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  if (!socket.closed) await once(socket, 'close')
  assert.equal(bytes, 0)
}

test('a device agrees on a key over the socket, and what it publishes there is recorded and delivered', async (t) => {
  const links = await openTestLinks(t, { protect: [{ filter: 'plant/#', signed: true, mac: true }] })
  const identity = await enrolledIdentity(t, links)
  const { sessions } = links
  const { link: subscriber, session } = await sessions.connect('subscriber')
  await sessions.subscribe(session, 'plant/#')
  const { link } = await openLink(t, links, identity)
  const before = sessions.chain.state.frontier.size
  const answers = await Promise.all(['1', '2', '3'].map((text) => link.publish('plant/temp', Buffer.from(text))))
  assert.deepEqual(
    answers,
    [0, 1, 2].map((n) => accepted(before + n)),
  )
  // A connection of the same client that wants receipts gets them.
  assert.deepEqual(
    links.owed,
    [0, 1, 2].map((n) => ['press-7', before + n]),
  )
  const payloads = subscriber.publishes.map(({ message }) => parseSign1(message.payload).payload)
  assert.deepEqual(
    payloads.map((payload) => Buffer.from(payload ?? []).toString()),
    ['1', '2', '3'],
  )
  assert.deepEqual([links.refused, links.errors], [[], []])
})

test('the session of a link serves the hop MACs of MQTT connections of its client id', async (t) => {
  const links = await openTestLinks(t)
  const { link } = await openLink(t, links, await enrolledIdentity(t, links))
  const { sid, key } = link.session
  const session = links.service.connect('press-7').sessions.find(sid)
  assert.deepEqual(Buffer.from(session?.key ?? []), Buffer.from(key))
  assert.equal(session?.isConfirmed, false)
  await link.publish('a', Buffer.from('b'))
  assert.equal(session?.isConfirmed, true)
  assert.equal(links.service.connect('press-8').sessions.find(sid), undefined)
})

test('over TLS a link works as over plain TCP', async (t) => {
  const authority = await TestAuthority.create(temporaryDirectory(t))
  const server = await authority.issue({ name: 'localhost', use: 'server' })
  const links = await openTestLinks(t, { tls: { certFile: server.certFile, keyFile: server.keyFile } })
  const identity = await enrolledIdentity(t, links)
  const socket = await openSocket(t, links.port, authority.cert)
  const link = await exchangeOverLink(socket, identity, { clientId: 'press-7', brokerKey: links.brokerKey })
  assert.equal((await link.publish('a', Buffer.from('b'))).reasonCode, 0)
})

test('what may not be published is refused with a reason code, and the link goes on', async (t) => {
  const links = await openTestLinks(t)
  const { link } = await openLink(t, links, await enrolledIdentity(t, links))
  for (const topic of ['forbidden/x', '$SYS/x', '$notary/admin/request', 'a/#', '']) {
    assert.deepEqual(await link.publish(topic, Buffer.from('x')), refused)
  }
  assert.equal((await link.publish('a', Buffer.from('x'))).reasonCode, 0)
  assert.deepEqual(links.refused, [
    'access-denied',
    'broker-topic',
    'broker-topic',
    'request-malformed',
    'request-malformed',
  ])
})

/** A link whose frames a test makes itself. */
async function rawLink(t: TestContext, links: TestLinks, identity: Identity) {
  const socket = await openSocket(t, links.port)
  const pending = requestOf(links, identity, 1)
  socket.write(encodeExchangeFrame(pending.message))
  const [frame] = (await once(socket, 'data')) as [Buffer]
  const session = await pending.finish(frame.subarray(4, -32), links.brokerKey)
  const sender = new LinkSender(session.key, 'clientToBroker', nativeCrypto)
  const publish = (seq: number, topic = 'a') => {
    const toSign = { topic, payload: Buffer.from(`${seq}`), seq, timeMs: Date.now() }
    return signPublish(identity.key, identity.thumbprint, toSign, nativeCrypto)
  }
  return { socket, session, sender, publish }
}

test('an unsigned message is refused on a link', async (t) => {
  const links = await openTestLinks(t)
  const { socket, sender } = await rawLink(t, links, await enrolledIdentity(t, links))
  socket.write(sender.seal(encodeLinkPublish({ topic: 'a', envelope: Buffer.from('plain') })))
  await once(socket, 'data')
  assert.deepEqual(links.refused, ['not-signed'])
})

test('the same signed message again is acknowledged and recorded once', async (t) => {
  const links = await openTestLinks(t)
  const { socket, sender, publish } = await rawLink(t, links, await enrolledIdentity(t, links))
  const envelope = publish(2)
  const before = links.sessions.chain.state.frontier.size
  for (let i = 0; i < 2; i++) {
    socket.write(sender.seal(encodeLinkPublish({ topic: 'a', envelope })))
    await once(socket, 'data')
  }
  assert.equal(links.sessions.chain.state.frontier.size, before + 1)
  assert.deepEqual(links.refused, [])
})

test('a hop MAC by another session than the one of the link is refused', async (t) => {
  const links = await openTestLinks(t)
  const { socket, sender, publish } = await rawLink(t, links, await enrolledIdentity(t, links))
  const foreign = { sid: new Uint8Array(8).fill(1), key: new Uint8Array(32).fill(1) }
  const envelope = addHopMac(publish(2), foreign, new Uint8Array(0), nativeCrypto)
  socket.write(sender.seal(encodeLinkPublish({ topic: 'a', envelope })))
  await once(socket, 'data')
  assert.deepEqual(links.refused, ['mac-session-unknown'])
})

for (const [what, bytesOf] of [
  [
    'whose MAC is forged',
    (frame: Buffer) => Buffer.concat([frame.subarray(0, -1), Buffer.of((frame.at(-1) ?? 0) ^ 1)]),
  ],
  ['that is played twice', (frame: Buffer) => Buffer.concat([frame, frame])],
  ['of 4 GiB', () => Buffer.from('ffffffff', 'hex')],
] as const) {
  test(`a frame ${what} ends the link`, async (t) => {
    const links = await openTestLinks(t)
    const { socket, sender, publish } = await rawLink(t, links, await enrolledIdentity(t, links))
    socket.resume()
    socket.write(bytesOf(Buffer.from(sender.seal(encodeLinkPublish({ topic: 'a', envelope: publish(2) })))))
    await once(socket, 'close')
    assert.equal(links.notices.length, 1)
    assert.match(links.notices[0] ?? '', /ERR_MAC_INVALID|ERR_LINK_FRAME_TOO_LARGE/)
  })
}

test('content that is no publish ends the link', async (t) => {
  const links = await openTestLinks(t)
  const { socket, sender } = await rawLink(t, links, await enrolledIdentity(t, links))
  socket.resume()
  socket.write(sender.seal(Buffer.from('hello')))
  await once(socket, 'close')
  assert.match(links.notices[0] ?? '', /ERR_CBOR/)
})

test('ten refused publishes are borne, more of them end the link', async (t) => {
  const links = await openTestLinks(t, { now: () => 1000 })
  const { link, socket } = await openLink(t, links, await enrolledIdentity(t, links))
  const publishes = Array.from({ length: 12 }, () =>
    link.publish('forbidden/x', Buffer.from('x')).catch(() => 'closed'),
  )
  await once(socket, 'close')
  const answers = await Promise.all(publishes)
  assert.equal(answers.filter((answer) => answer !== 'closed').length, 11)
})

for (const [what, bytesOf] of [
  ['is not an exchange', () => encodeExchangeFrame(Buffer.from('hello'))],
  ['has a MAC', (request: Uint8Array) => encodeFrame(request, new Uint8Array(32).fill(1))],
  ['is longer than any exchange', () => Buffer.from('00001001', 'hex')],
  ['is not the only one', (request: Uint8Array) => Buffer.concat([1, 2].map(() => encodeExchangeFrame(request)))],
] as const) {
  test(`a peer whose first frame ${what} is closed without a word`, async (t) => {
    const links = await openTestLinks(t)
    const socket = await openSocket(t, links.port)
    socket.write(bytesOf(requestOf(links, await enrolledIdentity(t, links), 1).message))
    await isClosedSilently(socket)
    assert.equal(links.notices.length, 1)
  })
}

test('a request that was played before opens no link', async (t) => {
  const links = await openTestLinks(t)
  const { message } = requestOf(links, await enrolledIdentity(t, links), 1)
  const first = await openSocket(t, links.port)
  first.write(encodeExchangeFrame(message))
  await once(first, 'data')
  const second = await openSocket(t, links.port)
  second.write(encodeExchangeFrame(message))
  await isClosedSilently(second)
  assert.deepEqual(links.refused, ['mac-session-unknown'])
})

test('a key that nobody enrolled opens no link', async (t) => {
  const links = await openTestLinks(t)
  const key = numberedKey(77)
  const socket = await openSocket(t, links.port)
  socket.write(encodeExchangeFrame(requestOf(links, { key, thumbprint: key.thumbprint, path: '' }, 1).message))
  await isClosedSilently(socket)
  assert.deepEqual(links.refused, ['unknown-key'])
})

test('a client refuses a broker with another key than the one it was given', async (t) => {
  const links = await openTestLinks(t)
  const identity = await enrolledIdentity(t, links)
  const socket = await openSocket(t, links.port)
  const opening = exchangeOverLink(socket, identity, { clientId: 'press-7', brokerKey: numberedKey(5) })
  // The request names that other broker, so this one does not answer it.
  await assert.rejects(opening, (error) => error instanceof ClientError && error.code === 'ERR_CONNECTION')
  assert.deepEqual(links.refused, ['exchange-not-for-us'])
})

test('who asks nothing in time is let go, and so is a link on which nothing comes', async (t) => {
  const silent = await openTestLinks(t, { connectTimeoutMs: 20 })
  await isClosedSilently(await openSocket(t, silent.port))
  const idle = await openTestLinks(t, { idleTimeoutMs: 20 })
  const { socket } = await openLink(t, idle, await enrolledIdentity(t, idle))
  await once(socket, 'close')
  await until(() => idle.notices.length === 1)
})

test('a link whose session has ended elsewhere is closed', async (t) => {
  const links = await openTestLinks(t)
  const { link, socket } = await openLink(t, links, await enrolledIdentity(t, links))
  links.service.close()
  await assert.rejects(link.publish('a', Buffer.from('x')), { code: 'ERR_CONNECTION' })
  assert.ok(socket.destroyed || socket.readableEnded)
})
