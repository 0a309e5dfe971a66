import { connect, type Socket } from 'node:net'
import { type ConnectFields, connectBytes } from '../helpers/conformance/build.ts'
import { ByteReader } from '../helpers/conformance/byte-reader.ts'
import { type Property, readProperties } from '../helpers/conformance/properties.ts'
import { PacketSplitter, type ReceivedPacket } from '../helpers/mqtt-bytes.ts'

/** As in CONNECT. */
export type Level = 4 | 5

/** A PUBLISH as it came. */
export interface Publish {
  readonly topic: string
  readonly text: string
  readonly qos: number
  readonly dup: boolean
  readonly retain: boolean
  readonly packetId: number
  readonly properties: readonly Property[]
}

export function readPublish({ flags, body }: ReceivedPacket, level: Level): Publish {
  const reader = new ByteReader(body)
  const qos = (flags >> 1) & 3
  const topic = reader.text()
  const packetId = qos === 0 ? 0 : reader.twoBytes()
  const properties = level === 5 ? readProperties(reader, 'publish') : []
  const text = reader.bytes(reader.left).toString()
  return { topic, text, qos, dup: (flags & 8) !== 0, retain: (flags & 1) !== 0, packetId, properties }
}

/** Of a session that outlives its connection by far, and of a broker that may send as much as it likes. */
export function sessionFields(level: Level, clean: boolean): Pick<ConnectFields, 'level' | 'clean' | 'properties'> {
  return { level, clean, properties: level === 5 && !clean ? [['sessionExpiryInterval', 3600]] : [] }
}

/** Connects, sends CONNECT and hands over each packet that comes. Errors of the socket show in `onClose`. */
export function openWire(
  port: number,
  fields: ConnectFields,
  onPackets: (packets: readonly ReceivedPacket[]) => void,
  onClose: () => void,
): Socket {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const splitter = new PacketSplitter()
  socket.on('connect', () => socket.write(connectBytes(fields)))
  socket.on('data', (chunk) => onPackets(splitter.push(chunk)))
  socket.on('error', () => {
    // The broker is killed under it, or is not there yet; `close` follows.
  })
  socket.on('close', onClose)
  return socket
}

/** Whether the peer takes what waits in a socket; no after a while, and when the connection ends. */
export function isTaken(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const drained = () => end(true)
    const closed = () => end(false)
    const timer = setTimeout(closed, 1500)
    const end = (answer: boolean) => {
      clearTimeout(timer)
      socket.off('drain', drained).off('close', closed)
      resolve(answer)
    }
    socket.once('drain', drained).once('close', closed)
  })
}
