import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex, Transform } from 'node:stream'
import { nobleCrypto, type P256PublicKey, signPublish, toHex } from '../../../protocol/index.ts'
import { keyringOf } from '../../cli/keyring-files.ts'
import { ClientError } from '../../errors.ts'
import { type Identity, reserveSequenceNumber } from '../../identity/index.ts'
import { exchangeOverLink, type NotaryLinkClient } from '../../key-exchange/index.ts'
import { flipIn } from './flip.ts'
import { publishAndReceive } from './messages.ts'
import { Party } from './party.ts'
import { enrol, ownIdentity, ownTopic, type Scene, showBroker } from './scene.ts'

/** Reason Code, as in a MQTT 5 PUBACK [MQTT-5.0 3.4.2.1]. */
const notAuthorized = 0x87
const socketTopic = `${ownTopic}/socket`

/** Phase A: ECDH and messages over a socket, then the same identity over MQTT. */
export async function phaseA(scene: Scene): Promise<void> {
  const { story } = scene
  const identity = ownIdentity(scene)
  const keyring = keyringOf([scene.keys])
  const sender = await Party.connect(scene.flags, keyring)
  const receiver = await Party.connect({ ...scene.flags, id: undefined }, keyring)
  try {
    const { brokerKey, brokerId } = (await showBroker(scene, sender)).statement
    await enrol(scene, identity, brokerId)
    const link = await overTheSocket(scene, identity, sender.clientId, brokerKey)
    story.step('The same identity over MQTT: the session of the link goes on')
    story.show(`client id ${sender.clientId}`)
    await publishAndReceive(scene, { sender, receiver, identity, session: link.session })
    link.close()
    await alteredOnTheWay(scene, identity, sender.clientId, brokerKey)
  } finally {
    await receiver.close()
    await sender.close()
  }
}

async function overTheSocket(
  scene: Scene,
  identity: Identity,
  clientId: string,
  brokerKey: P256PublicKey,
): Promise<NotaryLinkClient> {
  const { story } = scene
  story.step('ECDH over a socket: both sides sign the ephemeral key that they send')
  const link = await exchangeOverLink(await openSocket(scene), identity, { clientId, brokerKey })
  story.check(true, `both have the session key; the session is ${toHex(link.session.sid)}`)
  story.step('Signed and HMACed messages over that socket')
  for (const n of [1, 2, 3]) {
    const { reasonCode, index } = await link.publish(socketTopic, Buffer.from(`over the socket ${n}`))
    story.check(reasonCode === 0, `message ${n} is record ${index}`)
  }
  story.step('A message whose signature does not fit, in a frame that is ours')
  const text = 'open valve'
  const { key, thumbprint, path } = identity
  const toSign = {
    topic: socketTopic,
    payload: Buffer.from(text),
    seq: reserveSequenceNumber(path),
    timeMs: Date.now(),
  }
  const altered = flipIn(signPublish(key, thumbprint, toSign, nobleCrypto), text)
  const { reasonCode, index } = await link.send(socketTopic, altered)
  story.check(
    reasonCode === notAuthorized && index === undefined,
    'refused with 0x87: the HMAC fits, the ECDSA signature does not',
  )
  return link
}

/** Somebody between both ends flips one bit of a frame. */
async function alteredOnTheWay(
  scene: Scene,
  identity: Identity,
  clientId: string,
  brokerKey: P256PublicKey,
): Promise<void> {
  const { story } = scene
  story.step('Somebody on the way alters one bit of a frame')
  const text = 'open valve'
  const link = await exchangeOverLink(flipping(await openSocket(scene), text), identity, { clientId, brokerKey })
  try {
    await link.publish(socketTopic, Buffer.from(text))
  } catch (error) {
    if (!(error instanceof ClientError && error.code === 'ERR_CONNECTION')) throw error
    story.check(true, 'the HMAC of the frame is wrong: the broker closes the link')
    return
  }
  story.check(false, 'the broker closes a link with an altered frame')
}

/** @throws {ClientError} ERR_CONNECTION */
async function openSocket({ flags, linkPort }: Scene): Promise<Socket> {
  const socket = connect(linkPort, flags.host)
  try {
    await once(socket, 'connect')
  } catch (cause) {
    throw new ClientError(
      'ERR_CONNECTION',
      `no notary link at ${flags.host}:${linkPort}: the broker needs a listener with protocol notary-link`,
      {},
      cause,
    )
  }
  return socket
}

function flipping(socket: Socket, part: string): Duplex {
  const writable = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, chunk.includes(part) ? flipIn(chunk, part) : chunk),
  })
  writable.pipe(socket)
  const both = Duplex.from({ readable: socket, writable })
  socket.once('close', () => both.destroy())
  return both
}
