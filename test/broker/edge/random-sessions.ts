import type { ProtocolVersion } from '../../../broker/edge/index.ts'
import {
  acknowledgementBytes,
  disconnectBytes,
  pingBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes,
} from '../../helpers/conformance/build.ts'
import type { Property } from '../../helpers/conformance/properties.ts'
import { mutated, type SeededRandom } from '../../helpers/random.ts'
import { connectOf } from './edge-support.ts'

/** Aliases and window of whoever is given these sessions. */
export const limitsOfSessions = { topicAliasMaximum: 4, receiveMaximum: 20, maximumPacketSize: 100_000 }

const topics = ['a', 'a/b', 'plant/7/temperature', 'ä/ö/ü', '__proto__', '$SYS/x', '/'] as const
const filters = ['#', '+/b', 'a/+/#', '$share/g/a', 'plant/#', 'constructor'] as const
const moreProperties: readonly Property[] = [
  ['contentType', 'text/plain'],
  ['userProperty', ['name', 'value']],
  ['userProperty', ['name', 'again']],
  ['correlationData', Buffer.from('0123456789')],
  ['payloadFormatIndicator', 1],
  ['messageExpiryInterval', 60],
  ['responseTopic', 'answer'],
]

/** The packets of a session that does nothing wrong, beginning with CONNECT. */
export function randomSession(version: ProtocolVersion, random: SeededRandom, clientId: string): Buffer[] {
  const level = version === 5 ? 5 : 4
  const properties: readonly Property[] = version === 5 && random.below(2) === 0 ? [['topicAliasMaximum', 3]] : []
  const will = random.below(3) === 0 ? { topic: 'gone', payload: 'bye', qos: random.below(3) } : undefined
  const keepAliveSeconds = random.below(3) * 60
  const fields = { clientId, keepAliveSeconds, properties, ...(will === undefined ? undefined : { will }) }
  const packets = [connectOf(version, fields)]
  let packetId = 0
  const known: (string | undefined)[] = []

  const publish = () => {
    const qos = random.below(3)
    // More in flight than the window would be wrong; the same ids again are not.
    packetId = (packetId % limitsOfSessions.receiveMaximum) + 1
    let topic: string = random.pick(topics)
    const chosen = level === 5 ? moreProperties.filter(() => random.below(4) === 0) : []
    if (level === 5 && random.below(2) === 0) {
      const alias = 1 + random.below(limitsOfSessions.topicAliasMaximum)
      chosen.push(['topicAlias', alias])
      if (known[alias] !== undefined && random.below(2) === 0) topic = ''
      else known[alias] = topic
    }
    const payload = random.bytes(random.below(20) === 0 ? random.below(9000) : random.below(60))
    const retain = random.below(4) === 0
    const dup = qos > 0 && random.below(4) === 0
    return publishBytes(level, { topic, payload, qos, packetId, retain, dup, properties: chosen })
  }

  const choices: readonly (() => Buffer)[] = [
    publish,
    publish,
    publish,
    publish,
    () => subscribeBytes(level, 1 + random.below(100), [[random.pick(filters), random.below(3)]]),
    () => unsubscribeBytes(level, 1 + random.below(100), [random.pick(filters), random.pick(filters)]),
    () => acknowledgementBytes(random.pick(['puback', 'pubrec', 'pubrel', 'pubcomp']), 1 + random.below(20)),
    () => pingBytes,
  ]
  for (let count = random.below(30); count > 0; count--) {
    packets.push((choices[random.below(choices.length)] as () => Buffer)())
  }
  if (random.below(2) === 0) packets.push(disconnectBytes())
  return packets
}

/** The same session with some of its packets damaged, lost or doubled. */
export function damagedSession(packets: readonly Buffer[], random: SeededRandom): Buffer[] {
  const damaged = [...packets]
  for (let count = 1 + random.below(3); count > 0; count--) {
    // The CONNECT too, but not so often that nothing else is ever looked at.
    const at = random.below(4) === 0 ? 0 : random.below(damaged.length)
    const packet = damaged[at] as Buffer
    switch (random.below(6)) {
      case 0:
        damaged.splice(at, 1)
        break
      case 1:
        damaged.splice(at, 0, packet)
        break
      case 2:
        damaged.splice(at, 1, packet.subarray(0, random.below(packet.length)))
        break
      case 3:
        damaged.splice(at, 1, withTrueLength(Buffer.from(mutated(packet, random))))
        break
      default:
        damaged.splice(at, 1, Buffer.from(mutated(packet, random)))
    }
    if (damaged.length === 0) damaged.push(Buffer.from(random.bytes(20)))
  }
  return damaged
}

/** So that it is not only the framing that is refused. */
function withTrueLength(packet: Buffer): Buffer {
  if (packet.length >= 2 && packet.length < 130) packet[1] = packet.length - 2
  return packet
}

/** Cuts bytes in chunks of any size, one byte among them. */
export function inChunks(bytes: Buffer, random: SeededRandom): Buffer[] {
  const chunks: Buffer[] = []
  const largest = random.pick([1, 3, 30, 1500, 65_536])
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(largest)
    // Each in memory of its own, as sockets give them.
    chunks.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return chunks
}
