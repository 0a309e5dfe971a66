import type { Aedes, AedesPublishPacket, Client } from 'aedes'

/**
 * The only file of the broker that touches private fields of Aedes 2.0.0-beta.1; what the plugins need of it is in
 * `plugins/aedes-seams.ts`. Each guard is a last resort until edge and router stand around the engine; a test per guard
 * fails when the engine changes.
 */

interface BrokerInternals {
  clients: Record<string, Client>
  brokers: Record<string, number>
  persistence: {
    incomingDelPacket(client: Client, packet: unknown): Promise<unknown>
    cleanIncoming?(client: { id: string }): Promise<unknown>
  }
}

interface ClientInternals {
  subscriptions: Record<string, unknown>
  duplicates: Record<string, unknown>
  _parser: {
    prependListener(event: 'packet', listener: (packet: ParsedPacket) => void): void
  }
}

interface ParsedPacket {
  readonly cmd: string
  readonly subscriptions?: { topic: string }[]
}

/**
 * Client ids such as `__proto__` or `constructor` would find what every plain object inherits (engine row 1); a PUBREL
 * whose packet is gone would end in an unhandled rejection (row 5). Call before listening.
 */
export function hardenBroker(aedes: Aedes, onError: (error: unknown) => void): void {
  const internals = aedes as unknown as BrokerInternals
  internals.clients = Object.assign(Object.create(null), internals.clients)
  internals.brokers = Object.assign(Object.create(null), internals.brokers)
  const { persistence } = internals
  const deletePacket = persistence.incomingDelPacket.bind(persistence)
  persistence.incomingDelPacket = (client, packet) =>
    deletePacket(client, packet).catch((error: unknown) => {
      // The memory store rejects when the packet is gone already, which a repeated PUBREL causes at will.
      if (error instanceof Error && error.message === 'no such packet') return
      onError(error)
    })
}

/** The same for topic filters (rows 2, 3 and 4). Call when a connection sends its CONNECT. */
export function hardenClient(client: Client): void {
  const internals = client as unknown as ClientInternals
  internals.subscriptions = Object.create(null)
  internals.duplicates = noDuplicates
  internals._parser.prependListener('packet', refusePrototypeFilter)
}

/**
 * With several filters in one SUBSCRIBE the engine removes repetitions through a plain object, where `__proto__` is
 * not a key. An empty filter in its place makes the engine refuse the packet as malformed.
 */
function refusePrototypeFilter(packet: ParsedPacket): void {
  if (packet.cmd !== 'subscribe' || packet.subscriptions === undefined || packet.subscriptions.length < 2) return
  for (const subscription of packet.subscriptions) if (subscription.topic === '__proto__') subscription.topic = ''
}

/**
 * In place of what the engine remembers per client of the newest message it sent. What it routes later and numbered
 * earlier it would drop, which is anything that waited for the store beside something that did not (engine section 6,
 * "live loss"). {@link Overlaps} does what this memory is for.
 */
const noDuplicates: Record<string, never> = new Proxy(Object.create(null), { get: () => undefined, set: () => true })

/**
 * A message that matches several subscriptions of a client is delivered once [MQTT-3.1.1 3.3.5-1]. The engine routes it
 * to all of them in one turn, one after the other, so the last one is all that has to be remembered.
 */
export class Overlaps {
  readonly #last = new WeakMap<Client, string>()

  /** Whether this very message was just routed to this client. */
  isRepeated(client: Client, packet: AedesPublishPacket): boolean {
    // Queued messages on their way out have a packet id already; retained ones have no broker id.
    if (packet.messageId !== undefined || !packet.brokerId) return false
    const id = `${packet.brokerCounter} ${packet.brokerId}`
    if (this.#last.get(client) === id) return true
    this.#last.set(client, id)
    return false
  }
}

/** Forgets QoS 2 exchanges that an earlier session left open, as a clean start demands (row 7). */
export async function cleanIncoming(aedes: Aedes, clientId: string): Promise<void> {
  await (aedes as unknown as BrokerInternals).persistence.cleanIncoming?.({ id: clientId })
}
