import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

/** A TLS client over a TCP connection whose answers wait until they are let through. */
export class HeldSocket {
  /** Something came back. */
  readonly firstAnswer: Promise<void>
  readonly #socket: Socket
  readonly #held: Buffer[] = []
  readonly #pipe: Duplex
  #isReleased = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#pipe = new Duplex({
      read: () => {},
      write: (chunk, _encoding, done) => {
        socket.write(chunk)
        done()
      },
    })
    this.firstAnswer = new Promise((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        if (this.#isReleased) this.#pipe.push(chunk)
        else this.#held.push(chunk)
        resolve()
      })
    })
    socket.on('close', () => this.#pipe.destroy())
  }

  secure(options: ConnectionOptions): TLSSocket {
    const tls = connect({ ...options, socket: this.#pipe })
    tls.on('error', () => {
      // Being refused is what it is for; the close follows.
    })
    tls.on('close', () => this.#socket.destroy())
    return tls
  }

  release(): void {
    this.#isReleased = true
    for (const chunk of this.#held.splice(0)) this.#pipe.push(chunk)
  }
}
