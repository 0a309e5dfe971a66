import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import {
  encodeAcknowledgement,
  encodeConnack,
  encodeSuback,
  encodeUnsuback,
  type Frame,
  Framer,
  type PublishPacket,
  packetType,
  parseAcknowledgement,
  parsePublish,
  publishBytes,
  type QoS,
  writePublish,
} from '../../../broker/edge/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'

/** What a scripted broker received: a publish, or the type and packet id of an acknowledgement. */
export type Heard = { readonly publish: PublishPacket } | { readonly type: number; readonly packetId: number }

/** One connection that a bridge made to a {@link ScriptedRemote}. */
export interface Visit {
  readonly socket: Socket
  /** First byte of the protocol version of its CONNECT. */
  readonly versionByte: number
  /** What comes next that is no request. */
  readonly hear: () => Promise<Heard>
  readonly publish: (
    payload: string,
    packetId: number,
    options?: { readonly qos?: QoS; readonly dup?: boolean },
  ) => void
  readonly acknowledge: (type: number, packetId: number) => void
}

/** A remote broker of MQTT 3.1.1 that answers CONNECT and requests, and else does what its test says. */
export class ScriptedRemote {
  /** Return code of the next CONNACKs; undefined: there is none. */
  returnCode: number | undefined = 0
  sessionPresent = false
  readonly #visits: Visit[] = []
  readonly #port: number
  #wake: () => void = () => {}

  private constructor(port: number) {
    this.#port = port
  }

  static async start(t: TestContext): Promise<ScriptedRemote> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const remote = new ScriptedRemote(address.port)
    const sockets = new Set<Socket>()
    server.on('connection', (socket) => {
      sockets.add(socket)
      remote.#take(socket)
    })
    atEnd(t, () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return remote
  }

  get port(): number {
    return this.#port
  }

  /** The next connection with a CONNECT. */
  async visit(): Promise<Visit> {
    for (;;) {
      const visit = this.#visits.shift()
      if (visit !== undefined) return visit
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #take(socket: Socket): void {
    const framer = new Framer(0)
    const heard: Heard[] = []
    let wake = () => {}
    const tell = (what: Heard) => {
      heard.push(what)
      wake()
    }
    const hear = async () => {
      for (;;) {
        const what = heard.shift()
        if (what !== undefined) return what
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    const take = ({ type, flags, body }: Frame) => {
      switch (type) {
        case packetType.connect: {
          const { returnCode: code, sessionPresent } = this
          if (code !== undefined) socket.write(encodeConnack(4, { sessionPresent, code }))
          this.#visits.push({
            socket,
            versionByte: body[6] ?? 0,
            hear,
            publish: (payload, packetId, { qos = 2, dup = false } = {}) => {
              const message = {
                topicBytes: Buffer.from('in/x'),
                payload: Buffer.from(payload),
                properties: Buffer.alloc(0),
              }
              const options = { version: 4, qos, retain: false, dup, packetId, sendTopic: true } as const
              const packet = Buffer.alloc(publishBytes(message, options))
              writePublish(packet, 0, message, options)
              socket.write(packet)
            },
            acknowledge: (type, packetId) => socket.write(encodeAcknowledgement(type, packetId, 0, 4)),
          })
          this.#wake()
          return
        }
        case packetType.subscribe:
          socket.write(encodeSuback(body.readUInt16BE(0), [2], 4))
          return
        case packetType.unsubscribe:
          socket.write(encodeUnsuback(body.readUInt16BE(0), [], 4))
          return
        case packetType.publish:
          tell({ publish: parsePublish(flags, body, 4) })
          return
        case packetType.puback:
        case packetType.pubrec:
        case packetType.pubrel:
        case packetType.pubcomp:
          tell({ type, packetId: parseAcknowledgement(type, flags, body, 4).packetId })
      }
    }
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      framer.push(chunk)
      for (let frame = framer.next(); frame !== undefined; frame = framer.next()) take(frame)
    })
  }
}
