import { checkConnectOffered } from './capabilities.ts'
import type { CloseReason, EdgeHandler, EdgeLimits, EdgeTransport } from './edge-handler.ts'
import { type EdgeSurroundings, EdgeWriter } from './edge-writer.ts'
import { encodeConnack, encodeDisconnect } from './encode.ts'
import { MqttError, protocolError } from './errors.ts'
import { type Frame, Framer } from './framer.ts'
import { IncomingPackets } from './incoming-packets.ts'
import { grantedKeepAliveSeconds, KeepAlive } from './keep-alive.ts'
import { type Connack, type DisconnectPacket, packetType } from './packets.ts'
import { parseConnect } from './parse-connect.ts'
import { checkPingreq, parseDisconnect } from './parse-disconnect.ts'
import { reasonCode } from './reason-codes.ts'
import { ReceiveWindow } from './receive-window.ts'
import { refusingConnack, violatingConnack } from './refusing-connack.ts'

/**
 * Largest packet other than PUBLISH, and largest one that is collected before it is known who sends it. Of a SUBSCRIBE as
 * large as the protocol allows, tens of millions of filters would be made.
 */
const maxControlPacketBytes = 4 * 1024 * 1024
/** What may wait here while CONNECT is being decided or publishes are being committed. */
const heldAtBytes = 64 * 1024

/**
 * Between socket and broker: cuts and checks what comes, knows what may come when, writes what goes out, and keeps the
 * time. Whatever violates the protocol ends here, with its reason code where the client can be told.
 */
export class Edge extends EdgeWriter {
  readonly #transport: EdgeTransport
  readonly #limits: EdgeLimits
  readonly #handler: EdgeHandler
  readonly #framer: Framer
  readonly #keepAlive: KeepAlive
  /** From CONNECT on. */
  #incoming: IncomingPackets | undefined
  /** {@link hold}s without their {@link release}. */
  #holds = 0
  /** The peer sends nothing more; what it sent before may still wait here. */
  #hasEnded = false

  constructor(transport: EdgeTransport, limits: EdgeLimits, handler: EdgeHandler, surroundings: EdgeSurroundings) {
    super(transport, surroundings)
    this.#transport = transport
    this.#limits = limits
    this.#handler = handler
    this.#framer = new Framer(Math.min(limits.maximumPacketSize || maxControlPacketBytes, maxControlPacketBytes))
    this.#keepAlive = new KeepAlive(() => this.#onSilence())
    transport.onData((chunk) => this.#onData(chunk))
    transport.onEnd(() => this.#onEnd())
    transport.onClose(() => this.#onEnd())
    transport.onDrain(() => this.#relieve())
  }

  /** Answers the CONNECT; from then on packets are given to the handler. */
  accept(connack: Connack): void {
    if (this.state !== 'connecting') return
    this.trace?.sentConnack(connack)
    this.output.append(encodeConnack(this.version, connack))
    this.state = 'connected'
    this.#read()
  }

  /** Refuses the CONNECT and closes. @param code Reason Code of MQTT 5; others get the return code nearest to it */
  refuse(code: number): void {
    if (this.state === 'closed') return
    this.trace?.sentConnack({ sessionPresent: false, code })
    this.#appendAny(refusingConnack(this.version, code))
    this.end()
  }

  /** Tells a MQTT 5 client why and closes; others are closed. [MQTT-5.0 4.13] */
  disconnect(code: number): void {
    if (this.mayAnswer && this.version === 5) this.output.append(encodeDisconnect(code))
    this.end()
  }

  /** Sends what was written and closes. */
  end(): void {
    this.#close('ended')
  }

  /**
   * Stops taking packets, because more are being worked on than there should be; not from the middle of one. Silence does
   * not count against the client meanwhile.
   */
  hold(): void {
    this.#holds++
  }

  /** Takes one {@link hold} back; goes on after the last. */
  release(): void {
    if (--this.#holds === 0) this.#read()
  }

  #onData(chunk: Buffer): void {
    if (this.state === 'closed' || this.state === 'leaving') return
    this.#framer.push(chunk)
    this.#read()
  }

  #onEnd(): void {
    this.#hasEnded = true
    this.#read()
  }

  #read(): void {
    try {
      while (this.#mayRead()) {
        const frame = this.#framer.next()
        if (frame === undefined) {
          // Nobody waits for the rest of what is no CONNECT: a length may have been read that never comes.
          if (this.state === 'new') expectConnect(this.#framer.begunType)
          break
        }
        this.#keepAlive.heard()
        this.traffic.messagesReceived++
        this.traffic.bytesReceived += frame.bytes
        this.#take(frame)
      }
    } catch (error) {
      if (error instanceof MqttError) this.#violated(error)
      else this.#failed(error)
    }
    this.#pace()
  }

  /**
   * A handler that failed: this connection cannot be trusted to be in step any more, the process can. Thrown on, it would
   * end the process from a socket's event, and the chain from a commit that released or accepted this client.
   */
  #failed(error: unknown): void {
    this.#handler.onFailure(error)
    if (this.state === 'connecting') this.refuse(reasonCode.implementationSpecificError)
    else this.disconnect(reasonCode.implementationSpecificError)
  }

  #mayRead(): boolean {
    if (this.#holds > 0 || (this.state !== 'new' && this.state !== 'connected')) return false
    return this.#hasEnded || !this.isCongested
  }

  /** Reads from the socket only what will be taken soon. */
  #pace(): void {
    if (this.state === 'closed' || this.state === 'leaving') return
    const mustWait = !this.#mayRead()
    if (this.#hasEnded) {
      if (!mustWait) this.#close('closed-by-peer')
      return
    }
    this.#keepAlive.isSuspended = mustWait
    if (mustWait && (this.#holds > 0 || this.#framer.bufferedBytes >= heldAtBytes || this.wasCongested))
      this.#transport.pause()
    else this.#transport.resume()
  }

  #take(frame: Frame): void {
    if (this.state === 'new') {
      this.#connect(frame)
      return
    }
    const { type, flags, body } = frame
    if (type !== packetType.publish && frame.bytes > maxControlPacketBytes) {
      throw new MqttError('ERR_MQTT_PACKET_TOO_LARGE', `a packet of ${frame.bytes} bytes that is no PUBLISH`)
    }
    switch (type) {
      case packetType.pingreq:
        checkPingreq(flags, body, this.version)
        this.trace?.received('PINGREQ')
        this.sendPingresp()
        return
      case packetType.disconnect:
        this.#leave(parseDisconnect(flags, body, this.version))
        return
      default:
        this.#incoming?.take(frame)
    }
  }

  #connect(frame: Frame): void {
    expectConnect(frame.type)
    const packet = parseConnect(frame.flags, frame.body)
    const version = packet.protocolVersion
    this.version = version
    this.#framer.setMaxPacketBytes(this.#limits.maximumPacketSize)
    this.#framer.setProtocolVersion(version)
    this.state = 'connecting'
    const [limits, handler] = [this.#limits, this.#handler]
    checkConnectOffered(packet, limits)
    const window = version === 5 ? new ReceiveWindow(limits.receiveMaximum || 65_535) : undefined
    this.writeFor(packet, limits.topicAliasMaximumOut, window)
    const { traffic, trace } = this
    this.#incoming = new IncomingPackets({ version, limits, handler, traffic, trace, window })
    trace?.receivedConnect(packet.will)
    this.#keepAlive.start(grantedKeepAliveSeconds(packet, limits.maxKeepAliveSeconds))
    handler.onConnect(packet)
  }

  #leave(packet: DisconnectPacket): void {
    this.trace?.received('DISCONNECT')
    this.state = 'leaving'
    this.#keepAlive.stop()
    this.#transport.pause()
    this.#handler.onDisconnect(packet)
  }

  #violated(error: MqttError): void {
    if (this.state === 'connected' && this.version === 5) this.output.append(encodeDisconnect(error.reasonCode))
    // Before CONNACK a client of MQTT 5 is told in one; older ones where their protocol has a code for it.
    else if (this.state === 'connecting' || this.state === 'new') {
      this.#appendAny(violatingConnack(this.version, error))
    }
    this.#close(error)
  }

  #appendAny(bytes: Buffer | undefined): void {
    if (bytes !== undefined) this.output.append(bytes)
  }

  #onSilence(): void {
    if (this.state === 'connected' && this.version === 5) {
      this.output.append(encodeDisconnect(reasonCode.keepAliveTimeout))
    }
    this.#close('keep-alive')
  }

  #relieve(): void {
    if (this.state === 'closed') return
    if (this.wasCongested && !this.isBehind) {
      this.wasCongested = false
      try {
        this.#handler.onRelief()
      } catch (error) {
        this.#failed(error)
      }
    }
    this.#read()
  }

  #close(reason: CloseReason): void {
    if (this.state === 'closed') return
    this.output.flush()
    this.state = 'closed'
    this.#keepAlive.stop()
    this.#transport.end()
    try {
      this.#handler.onClosed(reason)
    } catch (error) {
      this.#handler.onFailure(error)
    }
  }
}

/** [MQTT-3.1.1 3.1.0-1], [MQTT-5.0 3.1.0-1] */
function expectConnect(type: number | undefined): void {
  if (type !== undefined && type !== packetType.connect) throw protocolError('the first packet is not CONNECT')
}
