import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import type { BrokerOptions } from '../../broker/index.ts'
import { Bystander } from '../helpers/bystander.ts'
import { atEnd } from '../helpers/cleanup.ts'
import type { ConnectFields } from '../helpers/conformance/build.ts'
import { Peer } from '../helpers/conformance/peer.ts'
import type { Received } from '../helpers/conformance/received.ts'
import { peakMemoryBytes } from '../helpers/memory.ts'
import { type FaultyBroker, startFaultyBroker } from './faulty-broker.ts'
import type { Level } from './wire.ts'

/** What every test that concerns both runs with. */
export const versions = [
  { name: 'MQTT 3.1.1', level: 4 },
  { name: 'MQTT 5', level: 5 },
] as const

let count = 0
export const newClientId = (name = 'client') => `${name}-${++count}`

/** A connection without CONNECT that believes the broker nothing. What the standard forbids fails the test. */
export async function openPeer(t: TestContext, port: number, level: Level, clientId = newClientId()): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  atEnd(t, () => socket.destroy())
  await once(socket, 'connect')
  const peer = new Peer(socket, level, clientId)
  atEnd(t, () => {
    if (peer.fault !== undefined) throw peer.fault
  })
  return peer
}

type Fields = Omit<ConnectFields, 'level'>

/** An accepted connection with its CONNACK. @throws {Error} when it is refused */
export async function connectedWithAnswer(
  t: TestContext,
  port: number,
  level: Level,
  { clientId, ...fields }: Omit<Fields, 'clientId'> & { readonly clientId?: string } = {},
): Promise<{ readonly peer: Peer; readonly connack: Received }> {
  const peer = await openPeer(t, port, level, clientId)
  const connack = await peer.connect(fields)
  if (connack.reasonCode !== 0) throw new Error(`CONNACK ${connack.reasonCode}`)
  return { peer, connack }
}

export async function connected(...args: Parameters<typeof connectedWithAnswer>): Promise<Peer> {
  return (await connectedWithAnswer(...args)).peer
}

/** The most memory that any attack may make the broker hold. */
export const mostMemoryBytes = 600 * 1024 * 1024

/** What a verification of the chain may take on top: two threads, and the batches on their way to them. */
const mostVerificationBytes = 128 * 1024 * 1024

/** Asserts that nobody else noticed, and that memory stayed within bounds, under the attack and when the chain is verified. */
export async function assertUnharmed({ broker, bystander }: Attacked, what: string): Promise<void> {
  assertMemory(broker, mostMemoryBytes, what)
  await bystander.assertUnharmed(what)
  assertMemory(broker, mostMemoryBytes + mostVerificationBytes, `${what}, verified`)
}

function assertMemory({ child }: FaultyBroker, mostBytes: number, what: string): void {
  const peak = peakMemoryBytes(child)
  assert.ok(peak < mostBytes, `${what}: at most ${peak} bytes`)
}

/** A real broker under attack, and clients who must not notice. */
export interface Attacked {
  readonly broker: FaultyBroker
  readonly bystander: Bystander
  readonly port: number
}

export async function attacked(t: TestContext, options: Partial<BrokerOptions> = {}): Promise<Attacked> {
  const broker = await startFaultyBroker(t, options)
  return { broker, bystander: await Bystander.of(t, broker), port: broker.port }
}
