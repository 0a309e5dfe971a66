import { connect, type Socket } from 'node:net'
import {
  acknowledgementBytes,
  type ConnectFields,
  connectBytes,
  disconnectBytes,
  type Filter,
  type PublishFields,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes,
} from '../../helpers/conformance/build.ts'
import { PacketStream } from '../../helpers/conformance/packet-stream.ts'
import type { Property } from '../../helpers/conformance/properties.ts'
import type { Received } from '../../helpers/conformance/received.ts'

/** Longest wait for an answer; only a step that fails waits that long. */
const patienceMs = 20_000

/** The topic of the messages by which a script finds out that everything before them has arrived. */
const syncTopic = 'sync/now'

const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`

/** A client of the script: does what it is told, acknowledges what it gets, and says in words what it saw. */
export class Player {
  readonly #socket: Socket
  readonly #packets: PacketStream
  readonly #level: 4 | 5
  readonly #answers: Received[] = []
  readonly #wakes = new Set<() => void>()
  #heard: string[] = []
  #isClosed = false
  #lastPacketId = 0

  private constructor(socket: Socket, level: 4 | 5) {
    this.#socket = socket
    this.#level = level
    this.#packets = new PacketStream(level)
    socket.on('error', () => {
      // Ends of all kinds are part of the script; 'close' tells.
    })
    socket.on('data', (chunk) => {
      this.#packets.push(chunk)
      for (const packet of this.#packets.takeAll()) this.#take(packet)
      this.#wakeAll()
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#wakeAll()
    })
  }

  /** Sends CONNECT. @returns the client, and what the broker answered, in words */
  static async enter(port: number, fields: ConnectFields): Promise<{ player: Player; answer: string }> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const player = new Player(socket, fields.level === 5 ? 5 : 4)
    const name = fields.level === 3 ? { protocolName: 'MQIsdp' } : {}
    socket.write(connectBytes({ keepAliveSeconds: 60, ...name, ...fields }))
    const connack = await player.#answer((packet) => packet.type === 'connack')
    if (connack === undefined) return { player, answer: player.#end() }
    const session = connack.sessionPresent ? ' session present' : ''
    const properties = connack.properties.map(inWords).join('')
    const answer = `CONNACK ${hex(connack.reasonCode)}${session}${properties}`
    if (connack.reasonCode === 0) return { player, answer }
    await player.#until('end of the connection', () => player.#isClosed)
    return { player, answer: `${answer}, ${player.#end()}` }
  }

  /** Sends something else than CONNECT. @returns how the broker ended the connection */
  static async greet(port: number, bytes: Uint8Array): Promise<string> {
    const player = new Player(connect({ host: '127.0.0.1', port, noDelay: true }), 4)
    player.write(bytes)
    return player.ended()
  }

  /** @returns PUBACK or PUBREC and PUBCOMP in words */
  async publish(topic: string, payload: string, fields: Partial<PublishFields> = {}): Promise<string> {
    const packetId = this.#newPacketId()
    this.#socket.write(publishBytes(this.#level, { topic, payload, packetId, ...fields }))
    if ((fields.qos ?? 0) === 0) return 'sent'
    const first = await this.#answer(({ type, packetId: id }) => /^pub(ack|rec)$/.test(type) && id === packetId)
    if (first === undefined) return this.#end()
    const answer = `${first.type.toUpperCase()} ${hex(first.reasonCode)}`
    if (first.type === 'puback' || first.reasonCode >= 0x80) return answer
    this.#socket.write(acknowledgementBytes('pubrel', packetId))
    const last = await this.#answer(({ type, packetId: id }) => type === 'pubcomp' && id === packetId)
    return last === undefined ? this.#end() : `${answer} PUBCOMP ${hex(last.reasonCode)}`
  }

  /** @returns SUBACK in words */
  async subscribe(filters: readonly Filter[], properties: readonly Property[] = []): Promise<string> {
    const packetId = this.#newPacketId()
    this.#socket.write(subscribeBytes(this.#level, packetId, filters, properties))
    const suback = await this.#answer(({ type, packetId: id }) => type === 'suback' && id === packetId)
    return suback === undefined ? this.#end() : `SUBACK ${suback.reasonCodes.map(hex).join(' ')}`
  }

  /** @returns UNSUBACK in words */
  async unsubscribe(...filters: readonly string[]): Promise<string> {
    const packetId = this.#newPacketId()
    this.#socket.write(unsubscribeBytes(this.#level, packetId, filters))
    const unsuback = await this.#answer(({ type, packetId: id }) => type === 'unsuback' && id === packetId)
    return unsuback === undefined ? this.#end() : `UNSUBACK ${unsuback.reasonCodes.map(hex).join(' ')}`.trim()
  }

  /** What is no packet of this class: bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Everything delivered since it was asked last. The messages of `settle` are not part of it. */
  heard(): readonly string[] {
    const heard = this.#heard.filter((line) => !line.startsWith(`${syncTopic} `))
    this.#heard = []
    return this.#fault === undefined ? heard : [...heard, `not allowed: ${this.#fault}`]
  }

  /** Waits until something was delivered that begins with `beginning`. */
  async hears(beginning: string): Promise<void> {
    await this.#until(beginning, () => this.#heard.some((line) => line.startsWith(beginning)))
  }

  /** Waits until the broker ended the connection. @returns how, in words */
  async ended(): Promise<string> {
    await this.#until('end of the connection', () => this.#isClosed)
    return this.#end()
  }

  /** DISCONNECT, and the end. */
  async leave(reasonCode = 0): Promise<void> {
    if (!this.#isClosed) this.#socket.end(disconnectBytes(reasonCode))
    await this.#until('end of the connection', () => this.#isClosed)
  }

  /** Vanishes without DISCONNECT. */
  drop(): void {
    this.#socket.destroy()
  }

  /** Waits until what this client published before has reached `listeners`. */
  async settle(...listeners: readonly Player[]): Promise<void> {
    const token = `${Math.random()}`
    for (const listener of listeners) await listener.subscribe([[syncTopic, 0]])
    await this.publish(syncTopic, token, { qos: 1 })
    for (const listener of listeners) await listener.hears(`${syncTopic} '${token}'`)
  }

  get #fault(): string | undefined {
    return this.#packets.fault?.message
  }

  #take(packet: Received): void {
    if (packet.type === 'publish') {
      const flags = `${packet.retain ? ' retain' : ''}${packet.dup ? ' dup' : ''}`
      const properties = packet.properties.map(inWords).join('')
      this.#heard.push(`${packet.topicName} '${packet.payload}' qos ${packet.qos}${flags}${properties}`)
      if (packet.qos === 1) this.#socket.write(acknowledgementBytes('puback', packet.packetId))
      if (packet.qos === 2) this.#socket.write(acknowledgementBytes('pubrec', packet.packetId))
    } else if (packet.type === 'pubrel') {
      this.#socket.write(acknowledgementBytes('pubcomp', packet.packetId))
    } else this.#answers.push(packet)
  }

  /** How the connection ended, or what came instead of an answer that the standard does not allow. */
  #end(): string {
    if (this.#fault !== undefined) return `not allowed: ${this.#fault}`
    const disconnect = this.#answers.find(({ type }) => type === 'disconnect')
    return disconnect === undefined ? 'closed' : `DISCONNECT ${hex(disconnect.reasonCode)}, closed`
  }

  /** The next answer that matches, or undefined when the connection ends before. */
  async #answer(matches: (packet: Received) => boolean): Promise<Received | undefined> {
    await this.#until('answer', () => {
      return this.#isClosed || this.#fault !== undefined || this.#answers.some(matches)
    })
    const at = this.#answers.findIndex(matches)
    return at < 0 ? undefined : this.#answers.splice(at, 1)[0]
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    for (const deadline = Date.now() + patienceMs; !holds(); ) {
      if (Date.now() > deadline) throw new Error(`no ${what}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, deadline - Date.now() + 1)
        const wakes = this.#wakes
        function done() {
          clearTimeout(timer)
          wakes.delete(done)
          resolve()
        }
        wakes.add(done)
      })
    }
  }

  #wakeAll(): void {
    for (const wake of [...this.#wakes]) wake()
  }

  #newPacketId(): number {
    this.#lastPacketId += 1
    return this.#lastPacketId
  }
}

/** Client ids that the broker made up differ from run to run. */
function inWords([name, value]: Property): string {
  if (name === 'assignedClientIdentifier') return ` ${name} ${`${value}`.replace(/[0-9A-Fa-f-]{36}$/, 'UUID')}`
  return ` ${name} ${Array.isArray(value) ? value.join('=') : value}`
}
