import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { encodePublish, PacketReader } from '../../scripts/bench/mqtt-packets.ts'

type Send = (message: Buffer) => void

/** What a fake broker does wrong. `n` counts the messages it accepted, from 0, over all publishers. */
export interface Faults {
  /** Called for each matching session. */
  deliver?: (n: number, message: Buffer, send: Send, clientId: string) => void
  acknowledge?: (n: number, packetId: number, send: (packetId: number) => void) => void
  /** Ends the publisher's connection instead of taking this message. */
  hangUpAt?: number
  /** Ends the connection that sent a message to this topic. */
  cutsOff?: (topicName: string) => boolean
  /** QoS of deliveries, whatever was granted. */
  deliveryQos?: 0 | 1
  /** Changes what a session that comes back finds. */
  resume?: (queue: Buffer[]) => Buffer[]
  /** Says Session Present 0 and has nothing. */
  forgetsSessions?: boolean
  retainFlag?: boolean
  /** Keeps retained messages, but for those of these topics. */
  losesRetained?: (topicName: string) => boolean
  /** Answers no CONNECT beyond so many; closes the connections instead, or stays silent. */
  connectLimit?: { connections: number; beyond: 'close' | 'silence' }
  /** Answers a key exchange, which is a PUBLISH with QoS 0. */
  answerExchange?: (request: Buffer) => Buffer
  /** Ends a connection that it accepted, so many milliseconds after. */
  dropsConnectionsAfterMs?: number
}

export interface FakeBroker {
  port: number
  /** PUBACKs that came from subscribers. */
  acknowledgements: () => number
}

interface Session {
  clientId: string
  topicFilter?: string
  qos: number
  socket?: Socket
  queue: Buffer[]
}

const twoBytes = (value: number) => [value >> 8, value & 0xff]

/** The QoS 1 encoder of the benchmark, with another first byte; with QoS 0 the packet identifier goes away. */
function delivery(topicName: string, message: Buffer, qos: number, retained: boolean): Buffer {
  const header = (qos << 1) | (retained ? 1 : 0) | 0x30
  if (qos === 1) {
    const packet = encodePublish(7, topicName, message)
    packet[0] = header
    return packet
  }
  const name = Buffer.from(topicName)
  const remaining = 2 + name.length + message.length
  const length = remaining < 128 ? [remaining] : [(remaining & 0x7f) | 0x80, remaining >> 7]
  return Buffer.concat([Buffer.from([header, ...length, ...twoBytes(name.length)]), name, message])
}

function matches(topicFilter: string | undefined, topicName: string): boolean {
  if (topicFilter === undefined) return false
  if (topicFilter.endsWith('/#')) return topicName.startsWith(topicFilter.slice(0, -1))
  if (!topicFilter.endsWith('/+')) return topicFilter === topicName
  return topicName.slice(0, topicName.lastIndexOf('/')) === topicFilter.slice(0, -2)
}

/** A broker of a few lines, with sessions and retained messages; right but for its faults. */
export async function withFakeBroker<T>(faults: Faults, use: (broker: FakeBroker) => Promise<T>): Promise<T> {
  const sessions = new Map<string, Session>()
  const retained = new Map<string, Buffer>()
  const sockets = new Set<Socket>()
  let accepted = 0
  let connected = 0
  let acknowledgements = 0

  const onConnect = (socket: Socket, body: Buffer): Session | undefined => {
    const limit = faults.connectLimit
    if (limit !== undefined && connected >= limit.connections) {
      if (limit.beyond === 'close') socket.destroy()
      return undefined
    }
    connected++
    const clean = (body[7]! & 0x02) !== 0
    const clientId = body.toString('utf8', 12)
    const kept = clean || faults.forgetsSessions ? undefined : sessions.get(clientId)
    const session = kept ?? { clientId, qos: 0, queue: [] }
    session.socket = socket
    sessions.set(clientId, session)
    socket.on('close', () => {
      delete session.socket
      if (clean) sessions.delete(clientId)
    })
    socket.write(Buffer.from([0x20, 2, kept === undefined ? 0 : 1, 0]))
    if (kept !== undefined) {
      for (const packet of faults.resume?.(kept.queue) ?? kept.queue) socket.write(packet)
      kept.queue = []
    }
    const dropAfterMs = faults.dropsConnectionsAfterMs
    if (dropAfterMs !== undefined) setTimeout(() => socket.destroy(), dropAfterMs)
    return session
  }

  const onSubscribe = (session: Session, body: Buffer) => {
    const topicFilter = body.toString('utf8', 4, body.length - 1)
    session.topicFilter = topicFilter
    session.qos = body.at(-1)!
    session.socket?.write(Buffer.from([0x90, 3, body[0]!, body[1]!, session.qos]))
    for (const [topicName, message] of retained) {
      if (!matches(topicFilter, topicName)) continue
      session.socket?.write(delivery(topicName, message, 0, faults.retainFlag ?? true))
    }
  }

  const onPublish = (socket: Socket, firstByte: number, body: Buffer) => {
    if (socket.destroyed) return
    const topicEnd = 2 + body.readUInt16BE(0)
    const topicName = body.toString('utf8', 2, topicEnd)
    if (firstByte === 0x31) {
      if (!faults.losesRetained?.(topicName)) retained.set(topicName, body.subarray(topicEnd))
      return
    }
    if (firstByte === 0x30) {
      const answer = faults.answerExchange?.(body.subarray(topicEnd))
      if (answer !== undefined) socket.write(delivery(`${topicName}/answer`, answer, 0, false))
      return
    }
    if (faults.hangUpAt === accepted || faults.cutsOff?.(topicName)) {
      socket.destroy()
      return
    }
    const n = accepted++
    const message = body.subarray(topicEnd + 2)
    for (const session of sessions.values()) {
      if (!matches(session.topicFilter, topicName)) continue
      const send: Send = (bytes) => {
        const packet = delivery(topicName, bytes, faults.deliveryQos ?? session.qos, false)
        if (session.socket === undefined) session.queue.push(packet)
        else session.socket.write(packet)
      }
      if (faults.deliver) faults.deliver(n, message, send, session.clientId)
      else send(message)
    }
    const acknowledge = (packetId: number) => socket.write(Buffer.from([0x40, 2, ...twoBytes(packetId)]))
    const packetId = body.readUInt16BE(topicEnd)
    if (faults.acknowledge) faults.acknowledge(n, packetId, acknowledge)
    else acknowledge(packetId)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    let session: Session | undefined
    socket.on('error', () => {})
    const reader = new PacketReader((firstByte, buffer, start, end) => {
      const body = Buffer.from(buffer.subarray(start, end))
      const type = firstByte >> 4
      if (type === 1) session = onConnect(socket, body)
      else if (type === 3) onPublish(socket, firstByte, body)
      else if (type === 4) acknowledgements++
      else if (type === 8 && session !== undefined) onSubscribe(session, body)
      else if (type === 14) socket.end()
    })
    socket.on('data', (chunk) => reader.push(chunk, chunk.length))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use({ port: (server.address() as AddressInfo).port, acknowledgements: () => acknowledgements })
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}
