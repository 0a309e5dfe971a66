import assert from 'node:assert/strict'
import { allCapabilities } from '../../../broker/edge/capabilities.ts'
import { Edge } from '../../../broker/edge/edge.ts'
import type { CloseReason, EdgeHandler, EdgeLimits } from '../../../broker/edge/edge-handler.ts'
import { MqttError, type ProtocolVersion, packetType } from '../../../broker/edge/index.ts'
import { FlushQueue } from '../../../broker/edge/output.ts'
import { uncounted } from '../../../broker/edge/traffic.ts'
import { type ConnectFields, connectBytes } from '../../helpers/conformance/build.ts'
import { FakeTransport } from './fake-transport.ts'
import { bytes } from './helpers.ts'

export const noLimits: EdgeLimits = {
  maximumPacketSize: 0,
  receiveMaximum: 0,
  topicAliasMaximum: 0,
  topicAliasMaximumOut: 0,
  maxKeepAliveSeconds: 0,
  ...allCapabilities,
}

/** One call of the handler: its name and a copy of what it was given. */
export type Call = readonly [name: keyof EdgeHandler, ...args: readonly unknown[]]

/** An edge between a transport and a handler that are both the test's. */
export class EdgeBench {
  readonly transport = new FakeTransport()
  readonly queue = new FlushQueue()
  readonly traffic = uncounted()
  readonly edge: Edge
  /** What the handler was told, oldest first. */
  calls: Call[] = []
  /** What the handler does besides taking notes. */
  on: Partial<EdgeHandler> = {}

  constructor(limits: Partial<EdgeLimits> = {}) {
    this.edge = new Edge(this.transport, { ...noLimits, ...limits }, this.#handler(), {
      queue: this.queue,
      traffic: this.traffic,
    })
  }

  /** What was written since this was asked last, in hexadecimal digits; a turn of the event loop ends with it. */
  written(): string {
    this.queue.flushAll()
    return this.transport.takeWritten().toString('hex')
  }

  /** Sends a CONNECT and accepts it. Neither shows in {@link calls} or {@link written}. */
  connect(version: ProtocolVersion, fields: ConnectFields = {}): this {
    this.transport.receive(connectOf(version, fields))
    this.edge.accept({ sessionPresent: false, code: 0 })
    this.written()
    this.calls = []
    return this
  }

  /** The names of what the handler was told since this was asked last. */
  takeNames(): string[] {
    return this.takeCalls().map(([name]) => name)
  }

  takeCalls(): readonly Call[] {
    const { calls } = this
    this.calls = []
    return calls
  }

  /** Why the connection ended, asked for once: the code of an error. Undefined: it has not. */
  get closeReason(): string | undefined {
    const closed = this.calls.filter(([name]) => name === 'onClosed')
    assert.ok(closed.length <= 1, 'the handler hears of the end once')
    const reason = closed[0]?.[1] as CloseReason | undefined
    return reason instanceof MqttError ? reason.code : reason
  }

  #handler(): EdgeHandler {
    const note =
      <Name extends keyof EdgeHandler>(name: Name) =>
      (...args: Parameters<EdgeHandler[Name]>) => {
        this.calls.push([name, ...args.map(copied)])
        const react = this.on[name] as ((...given: Parameters<EdgeHandler[Name]>) => void) | undefined
        react?.(...args)
      }
    return {
      onConnect: note('onConnect'),
      onPublish: note('onPublish'),
      onAcknowledgement: note('onAcknowledgement'),
      onSubscribe: note('onSubscribe'),
      onUnsubscribe: note('onUnsubscribe'),
      onDisconnect: note('onDisconnect'),
      onRelief: note('onRelief'),
      onClosed: note('onClosed'),
      onFailure: note('onFailure'),
    }
  }
}

export function connectOf(version: ProtocolVersion, fields: ConnectFields = {}): Buffer {
  const protocolName = version === 3 ? 'MQIsdp' : 'MQTT'
  return connectBytes({ clientId: 'c', protocolName, ...fields, level: version })
}

/** A message that a subscriber is sent. */
export function messageTo(topic: string, payload: string | Uint8Array = '', expiresAtMs = Number.POSITIVE_INFINITY) {
  const properties = Buffer.alloc(0)
  return { topic, topicBytes: Buffer.from(topic), payload: Buffer.from(payload as string), properties, expiresAtMs }
}

/** Hexadecimal digits without spaces of {@link bytes}. */
export function hex(text: string): string {
  return bytes(text).toString('hex')
}

export const { puback, pubrec, pubrel, pubcomp } = packetType

/** The topics of the PUBLISHes that the handler was told of. */
export function topicsOf(calls: readonly Call[]): string[] {
  return calls.flatMap(([name, packet]) => (name === 'onPublish' ? [(packet as { topic: string }).topic] : []))
}

/** What a packet has of its chunk may be something else later. */
function copied(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(copied)
  if (typeof value !== 'object' || value === null || value instanceof Error) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copied(member)]))
}
