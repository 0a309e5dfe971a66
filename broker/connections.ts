import type { Duplex } from 'node:stream'
import type { Client, ConnectPacket } from 'aedes'
import type { Publisher } from '../plugins/index.ts'

/** The socket that a connection came in by. */
export interface ListenerInfo {
  /** e.g. `mqtt://127.0.0.1:1883`, as records name it. */
  readonly name: string
  readonly port: number
  readonly protocol: 'mqtt' | 'websockets'
  /** Bound explicitly to a loopback address. */
  readonly isLoopback: boolean
}

/** What is known of one connection, from CONNECT on. */
export interface Connection {
  readonly listener: ListenerInfo
  readonly remoteAddress: string
  readonly username: string | undefined
  readonly will: ConnectPacket['will']
  /** May use the admin topic. */
  readonly isAdministrator: boolean
}

/** Remembers which listener a stream came from and what its client said of itself. */
export class Connections {
  readonly #streams = new WeakMap<Duplex, { listener: ListenerInfo; remoteAddress: string }>()
  readonly #clients = new WeakMap<Client, Connection>()
  readonly #anonymousAdmin: boolean

  constructor(anonymousAdmin: boolean) {
    this.#anonymousAdmin = anonymousAdmin
  }

  /** A listener hands a new stream to the engine. */
  accept(stream: Duplex, listener: ListenerInfo, remoteAddress: string): void {
    this.#streams.set(stream, { listener, remoteAddress })
  }

  /** A client sent its CONNECT. @throws {Error} when its stream came from no listener of ours */
  connect(client: Client, packet: ConnectPacket): Connection {
    const stream = this.#streams.get(client.conn as Duplex)
    if (stream === undefined) throw new Error('a stream that no listener accepted')
    const username = packet.username
    const isLocalTcp = stream.listener.isLoopback && stream.listener.protocol === 'mqtt'
    const isAdministrator = this.#anonymousAdmin && isLocalTcp && username === undefined
    const connection = { ...stream, username, will: packet.will, isAdministrator }
    this.#clients.set(client, connection)
    return connection
  }

  of(client: Client): Connection | undefined {
    return this.#clients.get(client)
  }

  /** The publisher as records name it. */
  publisher(client: Client): Publisher {
    const connection = this.#clients.get(client)
    return {
      clientId: client.id,
      username: connection?.username,
      auth: 'none',
      listener: connection?.listener.name ?? '',
    }
  }
}
