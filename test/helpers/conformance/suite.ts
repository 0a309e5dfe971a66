import { once } from 'node:events'
import { connect } from 'node:net'
import { test as nodeTest, type TestContext } from 'node:test'
import { atEnd } from '../cleanup.ts'
import type { ConnectFields } from './build.ts'
import { Peer } from './peer.ts'
import type { ProtocolLevel, Received } from './received.ts'

/** What most tests run for: `level` as in CONNECT. */
export const versions = [
  { name: 'MQTT 3.1.1', level: 4 },
  { name: 'MQTT 5', level: 5 },
] as const

export interface Address {
  readonly host: string
  readonly port: number
}

let count = 0

/** A client id that no other test has: letters and digits, at most 23. */
export const newClientId = () => `c${process.pid}n${++count}`
/** A topic that no other test has. */
export const newTopic = (name = 'topic') => `conformance/${process.pid}/${++count}/${name}`

/** The broker of a file as one test sees it. */
export class BrokerUnderTest {
  readonly t: TestContext
  readonly tcp: Address
  readonly webSocket: Address

  constructor(t: TestContext, tcp: Address, webSocket: Address) {
    this.t = t
    this.tcp = tcp
    this.webSocket = webSocket
  }

  /** A connection without CONNECT. */
  async open(level: ProtocolLevel, clientId: string = newClientId()): Promise<Peer> {
    const socket = connect({ ...this.tcp, noDelay: true })
    atEnd(this.t, () => socket.destroy())
    await once(socket, 'connect')
    const peer = new Peer(socket, level, clientId)
    // After the test, so that also what nobody waited for is looked at.
    atEnd(this.t, () => {
      if (peer.fault !== undefined) throw peer.fault
    })
    return peer
  }

  /** An accepted connection. @throws {Error} when it is refused */
  async connect(level: ProtocolLevel, fields: Omit<ConnectFields, 'level' | 'clientId'> & { clientId?: string } = {}) {
    return (await this.connectWithAnswer(level, fields)).peer
  }

  /** The same with the CONNACK. */
  async connectWithAnswer(
    level: ProtocolLevel,
    fields: Omit<ConnectFields, 'level' | 'clientId'> & { clientId?: string } = {},
  ): Promise<{ readonly peer: Peer; readonly connack: Received }> {
    const peer = await this.open(level, fields.clientId)
    const connack = await peer.connect(fields)
    if (connack.reasonCode !== 0) throw new Error(`CONNACK ${connack.reasonCode}`)
    return { peer, connack }
  }
}

type Body = (broker: BrokerUnderTest) => Promise<void>
type Register = (name: string, body: Body) => void

/**
 * The tests of a file, against one broker of their own, several at a time. With CONFORMANCE_TARGET and
 * CONFORMANCE_WEBSOCKET_TARGET, `host:port` each, against those instead: another broker that shows whether a test is
 * right. It must be empty and accept anonymous clients.
 */
export function conformance(title: string, register: (test: Register) => void): void {
  const tests: { readonly name: string; readonly body: Body }[] = []
  register((name, body) => tests.push({ name, body }))
  nodeTest(title, { concurrency: 12 }, async (t) => {
    const { tcp, webSocket } = await target(t)
    await Promise.all(tests.map(({ name, body }) => t.test(name, (t) => body(new BrokerUnderTest(t, tcp, webSocket)))))
  })
}

async function target(t: TestContext): Promise<{ readonly tcp: Address; readonly webSocket: Address }> {
  const tcp = addressIn('CONFORMANCE_TARGET')
  if (tcp !== undefined) return { tcp, webSocket: addressIn('CONFORMANCE_WEBSOCKET_TARGET') ?? tcp }
  // Only now, so that another broker can be tested while this one does not even load.
  const { startBroker } = await import('../broker.ts')
  const { port, webSocketPort } = await startBroker(t)
  const host = '127.0.0.1'
  return { tcp: { host, port }, webSocket: { host, port: webSocketPort } }
}

function addressIn(variable: string): Address | undefined {
  const [host, port] = process.env[variable]?.split(':') ?? []
  return host === undefined || port === undefined ? undefined : { host, port: Number(port) }
}
