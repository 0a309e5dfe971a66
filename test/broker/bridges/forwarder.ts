import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from '../../helpers/cleanup.ts'

/** A network between a bridge and its remote broker that a test can break. */
export class Forwarder {
  /** Port that is forwarded to. */
  target: number
  /** Takes connections. */
  isOpen = true
  /** Carries nothing that begins from now on, and says nothing of it. */
  isMute = false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, target: number) {
    this.#server = server
    this.target = target
    server.on('connection', (socket) => this.#take(socket))
  }

  static async start(t: TestContext, target: number): Promise<Forwarder> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const forwarder = new Forwarder(server, target)
    atEnd(t, () => {
      forwarder.cut()
      server.close()
    })
    return forwarder
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Breaks what is connected. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #take(socket: Socket): void {
    if (!this.isOpen) {
      socket.destroy()
      return
    }
    const onward = connect({ host: '127.0.0.1', port: this.target })
    this.#carry(socket, onward)
    this.#carry(onward, socket)
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('data', (chunk) => {
      if (!this.isMute) to.write(chunk)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }
}
