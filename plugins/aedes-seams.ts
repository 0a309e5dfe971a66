import type { Client, PublishPacket } from 'aedes'
import { type ChainRecord, recordProperties, withoutUndefined } from '../protocol/index.ts'

/**
 * What the plugins need of Aedes beyond its documented hooks. A test per function fails when the engine changes.
 */

/** Nobody may publish or subscribe here: what is acknowledged without being published goes to it, empty. */
export const sinkTopic = '$notary/void'

/**
 * Lets the engine acknowledge a publish but deliver nothing: it becomes an empty message to a topic without readers.
 * A refusal would close the connection of a 3.1 or 3.1.1 client.
 */
export function sinkPacket(packet: PublishPacket): void {
  packet.topic = sinkTopic
  packet.payload = Buffer.alloc(0)
  packet.retain = false
  delete packet.properties
}

/** True for a will: the engine passes the map out of the CONNECT packet, which has no command of its own. */
export function isWill(packet: PublishPacket): boolean {
  return packet.cmd !== 'publish'
}

/** True when the engine can no longer answer this client. */
export function isGone(client: Client): boolean {
  return client.closed || client.conn.destroyed
}

interface EngineInternals {
  readonly broker: {
    publish(packet: PublishPacket, done: (error?: Error) => void): void
    readonly persistence: { incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown> }
  }
}

function engineOf(client: Client): EngineInternals['broker'] {
  return (client as unknown as EngineInternals).broker
}

/**
 * Delivers a publish whose publisher vanished after the commit: the engine, unable to write the PUBACK, would drop it.
 */
export function publishForGoneClient(client: Client, packet: PublishPacket, onError: (error: unknown) => void): void {
  engineOf(client).publish({ ...packet }, (error) => {
    if (error) onError(error)
  })
}

/** True when the session holds an open QoS 2 exchange under this packet's id, so that it is a retransmission. */
export async function isOpenQos2(client: Client, packet: PublishPacket): Promise<boolean> {
  try {
    return (await engineOf(client).persistence.incomingGetPacket(client, packet)) !== undefined
  } catch {
    // This is how every persistence says "no such packet".
    return false
  }
}

/** Identifies messages that go to one connection only; the engine drops anything older than the newest it saw of one. */
const directBrokerId = 'notarymq-direct'
let directCounter = 0

/** True for messages made by {@link sendDirect}: the only ones below `$notary/` that may be forwarded. */
export function isDirect(packet: { brokerId?: string }): boolean {
  return packet.brokerId === directBrokerId
}

/**
 * Sends a QoS 0 message to one connection: not routed, queued, stored or recorded.
 * @param message with the retain flag that the client is to see. Default: false
 * @returns false when it is larger than the client takes, and was left out
 */
export function sendDirect(
  client: { publish(packet: PublishPacket, done: (error?: Error) => void): unknown },
  message: { topic: string; payload: Buffer; retain?: boolean; properties?: PublishPacket['properties'] },
  onError: (error: unknown) => void,
): boolean {
  const packet = {
    cmd: 'publish',
    qos: 0,
    retain: message.retain ?? false,
    dup: false,
    topic: message.topic,
    payload: message.payload,
    ...(message.properties === undefined ? undefined : { properties: message.properties }),
    // Its own id and counter: with the engine's, messages still on their way would look older and be dropped.
    brokerId: directBrokerId,
    brokerCounter: ++directCounter,
  } as PublishPacket
  const isTaken = client.publish(packet, (error) => {
    if (error) onError(error)
  })
  return isTaken !== false
}

/** User properties in the order that the engine kept. */
export function userPropertiesOf(packet: PublishPacket): readonly (readonly [string, string])[] {
  const given = packet.properties?.userProperties
  if (given === undefined) return []
  return Object.entries(given).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((one) => [name, one] as const) : [[name, value] as const],
  )
}

/** The MQTT 5 properties of a publish as the record keeps them; undefined when there are none. */
export function recordedProperties(packet: PublishPacket): ChainRecord['properties'] {
  const given = packet.properties
  if (given === undefined) return undefined
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = given
  return recordProperties(
    withoutUndefined({
      payloadFormatIndicator: payloadFormatIndicator === undefined ? undefined : payloadFormatIndicator ? 1 : 0,
      messageExpiryInterval,
      contentType,
      responseTopic,
      correlationData,
      userProperties: userPropertiesOf(packet),
    }),
  )
}
