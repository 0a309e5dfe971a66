import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { LinkPublisher } from '../../../broker/link-publisher.ts'
import type { TlsOptions } from '../../../broker/listeners/index.ts'
import { type LinkContext, NotaryLink } from '../../../broker/listeners/notary-link.ts'
import type { Identity } from '../../../clients/identity/index.ts'
import {
  KeyExchangeService,
  nativeCrypto,
  type ProtectRule,
  PublishGate,
  PublishPolicy,
  RulesInForce,
} from '../../../plugins/index.ts'
import type { P256PublicKey } from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { newIdentity } from '../../helpers/signing-identity.ts'
import { TestSessions } from '../../helpers/test-sessions.ts'
import { openTestListener } from './support.ts'

/** A listener for links over a real chain and real sessions. */
export interface TestLinks {
  readonly port: number
  readonly sessions: TestSessions
  readonly brokerKey: P256PublicKey
  readonly service: KeyExchangeService
  readonly gate: PublishGate
  /** Why links ended. */
  readonly notices: string[]
  /** Publishes whose receipts are owed, with the client ids that they are owed to. */
  readonly owed: (readonly [clientId: string, index: number])[]
  /** Why publishes and exchanges were refused. */
  readonly refused: string[]
  readonly errors: unknown[]
}

export interface TestLinksOptions extends Partial<LinkContext> {
  readonly protect?: readonly ProtectRule[]
  readonly tls?: TlsOptions
  readonly connectTimeoutMs?: number
}

export async function openTestLinks(t: TestContext, options: TestLinksOptions = {}): Promise<TestLinks> {
  const { protect = [], tls, connectTimeoutMs = 30_000, ...changes } = options
  const sessions = await TestSessions.open(t)
  const { chain } = sessions
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const refused: string[] = []
  const owed: [string, number][] = []
  const gate = new PublishGate({ chain, rules: new RulesInForce(new PublishPolicy(protect)), onError })
  const service = new KeyExchangeService({
    chain,
    brokerKey: chain.brokerKey,
    brokerThumbprint: chain.brokerThumbprint,
    onError,
  })
  atEnd(t, () => service.close())
  const publisher = new LinkPublisher({
    sessions: sessions.sessions,
    gate,
    mayWrite: (_client, topicName) => !topicName.startsWith('forbidden/'),
    isDiskFull: () => false,
    receipts: { acceptedFor: (clientId, index) => owed.push([clientId, index]) },
    onRefused: (_publish, cause) => refused.push(cause),
  })
  const notices: string[] = []
  const context: LinkContext = {
    keyExchange: service,
    crypto: nativeCrypto,
    maxFrameBytes: 64 * 1024,
    idleTimeoutMs: 60_000,
    publish: (...publish) => publisher.publish(...publish),
    onNotice: (message) => notices.push(message),
    onRefused: (cause) => refused.push(cause),
    onError,
    now: Date.now,
    ...changes,
  }
  const { port } = await openTestListener(
    t,
    { protocol: 'notary-link', ...(tls === undefined ? undefined : { tls }) },
    { accept: (transport, arrival) => void new NotaryLink(transport, arrival, context), connectTimeoutMs },
  )
  return { port, sessions, brokerKey: chain.brokerKey, service, gate, notices, owed, refused, errors }
}

/** A device with a key file of its own, enrolled. */
export async function enrolledIdentity(t: TestContext, { sessions }: TestLinks, name = 'press-7'): Promise<Identity> {
  const identity = newIdentity(t)
  await sessions.chain.enroll(identity.key, { name })
  return identity
}

export async function openSocket(t: TestContext, port: number, ca?: string): Promise<Socket> {
  const where = { host: '127.0.0.1', port }
  const socket = ca === undefined ? connect(where) : connectTls({ ...where, ca, servername: 'localhost' })
  atEnd(t, () => {
    socket.destroy()
  })
  socket.on('error', () => {
    // A reset is what some of these tests ask for; 'close' tells.
  })
  await once(socket, ca === undefined ? 'connect' : 'secureConnect')
  return socket
}
