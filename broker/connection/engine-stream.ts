import { Duplex } from 'node:stream'
import { Framer, packetType } from '../edge/index.ts'

/** What the engine says to the client that it believes to serve. */
export interface EngineListener {
  /** @param code Reason Code of MQTT 5, or the return code before */
  onEngineConnack(code: number): void
  /** @param code Reason Code; the end follows */
  onEngineDisconnect(code: number): void
  /** The engine has given the connection up. */
  onEngineEnd(): void
}

/**
 * The stream that Aedes is given in place of a socket. It sees a client that connects and, some time, goes away: CONNECT
 * in, CONNACK and DISCONNECT out. Everything else is between edge and sessions.
 */
export class EngineStream extends Duplex {
  readonly #listener: EngineListener
  readonly #framer = new Framer(0)

  constructor(listener: EngineListener) {
    // The engine waits for a stream that is full, and with it whoever publishes; this one never is (engine section 8).
    super({ allowHalfOpen: false, writableHighWaterMark: Number.MAX_SAFE_INTEGER })
    this.#listener = listener
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#framer.push(chunk)
    for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next()) {
      if (frame.type === packetType.connack) this.#listener.onEngineConnack(frame.body[1] ?? 0)
      else if (frame.type === packetType.disconnect) this.#listener.onEngineDisconnect(frame.body[0] ?? 0)
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#listener.onEngineEnd()
    done(error)
  }
}
