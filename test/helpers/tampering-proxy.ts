import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { frameMacBytes } from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'
import { type PacketType, packetType } from './mqtt-bytes.ts'

/** What a stream is cut into. @returns length of the unit that these bytes begin with; undefined: they are too few to tell */
export type UnitLength = (bytes: Buffer) => number | undefined

/** An MQTT control packet [MQTT-5.0 2.1]. */
export const mqttPacket: UnitLength = (bytes) => {
  let length = 0
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes.readUInt8(at)
    length += (byte & 0x7f) << (7 * (at - 1))
    if (byte < 0x80) return at + 1 + length
  }
  return undefined
}

/** A record of TLS (RFC 8446 section 5.1). */
export const tlsRecord: UnitLength = (bytes) => (bytes.length < 5 ? undefined : 5 + bytes.readUInt16BE(3))

/** A frame of a secure link. */
export const linkFrame: UnitLength = (bytes) => {
  return bytes.length < 4 ? undefined : 4 + bytes.readUInt32BE(0) + frameMacBytes
}

export type Direction = 'to broker' | 'to client'
export type Matches = (unit: Buffer) => boolean

/** Says what goes on in place of a unit that it was armed for, and calls `done` when it has done its work. */
export type Attack = (unit: Buffer, done: () => void) => readonly Uint8Array[]

/** @param at offset of the byte in the unit */
export function flip(at: (unit: Buffer) => number): Attack {
  return (unit, done) => {
    done()
    const changed = Buffer.from(unit)
    const offset = at(unit)
    changed.writeUInt8(changed.readUInt8(offset) ^ 1, offset)
    return [changed]
  }
}

export const drop: Attack = (_unit, done) => {
  done()
  return []
}

export const replay: Attack = (unit, done) => {
  done()
  return [unit, unit]
}

/** Holds the first one back until the second one has gone. */
export function reorder(): Attack {
  let held: Buffer | undefined
  return (unit, done) => {
    if (held === undefined) {
      held = unit
      return []
    }
    done()
    return [unit, held]
  }
}

/** Sends one of its own first. */
export function inject(forged: Uint8Array): Attack {
  return (unit, done) => {
    done()
    return [forged, unit]
  }
}

/** A PUBLISH to this topic. */
export function publishOn(topic: string): Matches {
  const name = Buffer.from(topic)
  return (unit) => {
    if (!isPacket('publish')(unit)) return false
    const start = headerBytes(unit) + 2
    return unit.subarray(start, start + unit.readUInt16BE(start - 2)).equals(name)
  }
}

export function isPacket(type: PacketType): Matches {
  return (unit) => unit.readUInt8(0) >> 4 === packetType[type]
}

/** Of a PUBLISH with QoS 1 or 2, or of its acknowledgement. */
export function packetIdOf(unit: Buffer): number {
  const start = headerBytes(unit)
  return unit.readUInt16BE(isPacket('publish')(unit) ? start + 2 + unit.readUInt16BE(start) : start)
}

/** A record with data of the application, or with what TLS 1.3 hides as such. */
export const isApplicationData: Matches = (unit) => unit.readUInt8(0) === 23

function headerBytes(unit: Buffer): number {
  let at = 1
  while (unit.readUInt8(at) >= 0x80) at++
  return at + 1
}

interface Armed {
  readonly direction: Direction
  readonly matches: Matches
  readonly attack: Attack
  readonly done: () => void
}

/** Somebody on the network between a client and its broker, who reads everything and does what a test tells him. */
export class TamperingProxy {
  /** On 127.0.0.1. */
  readonly port: number
  readonly #lengthOf: UnitLength
  readonly #sockets = new Set<Socket>()
  readonly #seen: { readonly direction: Direction; readonly unit: Buffer }[] = []
  readonly #armed: Armed[] = []
  readonly #watching = new Set<() => void>()
  /** Where the units of the newest connection go. */
  #newest: Readonly<Record<Direction, Socket>> | undefined

  private constructor(port: number, lengthOf: UnitLength) {
    this.port = port
    this.#lengthOf = lengthOf
  }

  /** @param brokerPort on 127.0.0.1 */
  static async start(t: TestContext, brokerPort: number, lengthOf: UnitLength = mqttPacket): Promise<TamperingProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const proxy = new TamperingProxy((server.address() as AddressInfo).port, lengthOf)
    server.on('connection', (client) => proxy.#join(client, connect(brokerPort, '127.0.0.1')))
    atEnd(t, () => {
      proxy.cut()
      server.close()
    })
    return proxy
  }

  /** Does this to the next units that match, on whatever connection. @returns when it is done */
  attack(direction: Direction, matches: Matches, attack: Attack): Promise<void> {
    return new Promise((resolve) => {
      this.#armed.push({ direction, matches, attack, done: resolve })
    })
  }

  /** Waits until so many units that match came here since the start. @returns all of them, as they came */
  seen(direction: Direction, matches: Matches, count = 1): Promise<readonly Buffer[]> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.seenSoFar(direction, matches)
        if (found.length < count) return
        this.#watching.delete(look)
        resolve(found)
      }
      this.#watching.add(look)
      look()
    })
  }

  seenSoFar(direction: Direction, matches: Matches): readonly Buffer[] {
    return this.#seen.filter((seen) => seen.direction === direction && matches(seen.unit)).map(({ unit }) => unit)
  }

  /** Sends bytes of its own into the newest connection. */
  send(direction: Direction, bytes: Uint8Array): void {
    this.#newest?.[direction].write(bytes)
  }

  /** Ends all connections, as a network that fails. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #join(client: Socket, broker: Socket): void {
    this.#newest = { 'to broker': broker, 'to client': client }
    this.#pass(client, broker, 'to broker')
    this.#pass(broker, client, 'to client')
  }

  #pass(from: Socket, to: Socket, direction: Direction): void {
    let rest: Buffer = Buffer.alloc(0)
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const length = this.#lengthOf(rest)
        if (length === undefined || length > rest.length) return
        const unit = rest.subarray(0, length)
        rest = rest.subarray(length)
        for (const bytes of this.#tampered(direction, unit)) to.write(bytes)
        this.#seen.push({ direction, unit })
        for (const look of this.#watching) look()
      }
    })
    from.on('end', () => to.end())
    from.on('error', () => {
      // Its end is the end of the other one.
    })
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroySoon()
    })
  }

  #tampered(direction: Direction, unit: Buffer): readonly Uint8Array[] {
    const at = this.#armed.findIndex((one) => one.direction === direction && one.matches(unit))
    const armed = this.#armed[at]
    if (armed === undefined) return [unit]
    return armed.attack(unit, () => {
      this.#armed.splice(at, 1)
      armed.done()
    })
  }
}
