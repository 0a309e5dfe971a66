import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { type Rate, TokenBucket } from '../../plugins/index.ts'
import { connectionFailed, tooManyConnections } from '../log/messages.ts'
import { type AddressCounts, plainAddress } from './address-counts.ts'
import type { ListenerInfo } from './listener-info.ts'
import type { ListenerOptions } from './listener-options.ts'
import { ThrottledNotice } from './throttled-notice.ts'
import { type Deadlines, Visit } from './visit.ts'

/** What became of the connections of one listener, since it opened. */
export interface ListenerCounters {
  accepted: number
  /** Closed at once: `maxConnections`. */
  refusedTotal: number
  /** Closed at once: `maxConnectionsPerAddress`. */
  refusedAddress: number
  /** Closed at once: `connectRate`. */
  refusedRate: number
  /** TLS handshakes and WebSocket upgrades that failed, were given up or took too long. */
  failedHandshakes: number
  /** Ready for MQTT, but no CONNECT came in time. */
  silent: number
}

/** How many connections a listener takes, and how fast. */
export type GateLimits = Pick<ListenerOptions, 'maxConnections' | 'connectRate'>

/**
 * Lets sockets in, counts them and watches their deadlines. Nobody is refused by default: after a power cut thousands of
 * clients come at once, perhaps all through one proxy or NAT.
 */
export class Gate {
  readonly counters: ListenerCounters = {
    accepted: 0,
    refusedTotal: 0,
    refusedAddress: 0,
    refusedRate: 0,
    failedHandshakes: 0,
    silent: 0,
  }
  readonly #info: ListenerInfo
  #maxConnections = 0
  #connectRate: Rate | undefined
  #rate: TokenBucket | undefined
  readonly #addresses: AddressCounts
  readonly #deadlines: Deadlines
  readonly #denied: ThrottledNotice
  readonly #failed: ThrottledNotice
  readonly #open = new Map<Socket, Visit>()
  // One function for all sockets instead of one closure each: thousands of them are idle.
  readonly #onError: (this: Socket, error: Error) => void
  readonly #onClose: (this: Socket) => void
  readonly #onLate: (visit: Visit, why: string) => void

  constructor(
    info: ListenerInfo,
    limits: GateLimits,
    addresses: AddressCounts,
    deadlines: Deadlines,
    onNotice: (message: string) => void,
  ) {
    this.#info = info
    this.applyLimits(limits)
    this.#addresses = addresses
    this.#deadlines = deadlines
    this.#denied = new ThrottledNotice(onNotice)
    this.#failed = new ThrottledNotice(onNotice)
    const gate = this
    this.#onError = function (error) {
      const visit = gate.#open.get(this)
      if (visit !== undefined) gate.fail(visit, error.message)
    }
    this.#onClose = function () {
      const visit = gate.#open.get(this)
      if (visit !== undefined) gate.#leave(visit)
    }
    this.#onLate = (visit, why) => {
      if (!visit.isReady) this.fail(visit, why)
      else this.#closeSilent(visit, why)
    }
  }

  /** Other limits hold from now on; who is in stays. */
  applyLimits({ maxConnections = 0, connectRate }: GateLimits): void {
    this.#maxConnections = maxConnections
    // With the same rate what came a moment ago goes on counting.
    if (isDeepStrictEqual(connectRate, this.#connectRate)) return
    this.#connectRate = connectRate
    this.#rate = connectRate === undefined ? undefined : new TokenBucket(connectRate)
  }

  /** @returns undefined when the socket may not come in; it is closed then */
  admit(socket: Socket): Visit | undefined {
    socket.on('error', this.#onError)
    const { remoteAddress, remotePort } = socket
    // A peer that is gone already has no address.
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy()
      return undefined
    }
    const visit = new Visit(this.#info, socket, plainAddress(remoteAddress), remotePort)
    if (!this.#mayEnter(visit)) {
      socket.destroy()
      return undefined
    }
    this.counters.accepted++
    this.#open.set(socket, visit)
    socket.on('close', this.#onClose)
    visit.start(this.#deadlines, this.#onLate)
    return visit
  }

  /** Closes a connection whose handshake went wrong; said and counted once. Nothing happens to one that is ready. */
  fail(visit: Visit, why: string): void {
    if (visit.isReady) return
    this.counters.failedHandshakes++
    this.#failed.say(connectionFailed(visit.peer, why))
    visit.connected()
    visit.socket.destroy()
  }

  /** Destroys whatever is open, in whatever state. */
  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #mayEnter(visit: Visit): boolean {
    if (this.#maxConnections > 0 && this.#open.size >= this.#maxConnections) {
      this.counters.refusedTotal++
      this.#denied.say(tooManyConnections(visit.peer))
      return false
    }
    if (this.#rate?.take() === false) {
      this.counters.refusedRate++
      this.#denied.say(`Client connection from ${visit.peer} denied: notary_connect_rate exceeded.`)
      return false
    }
    if (!this.#addresses.enter(visit.remoteAddress)) {
      this.counters.refusedAddress++
      this.#denied.say(`Client connection from ${visit.peer} denied: notary_max_connections_per_address exceeded.`)
      return false
    }
    return true
  }

  #leave(visit: Visit): void {
    this.#open.delete(visit.socket)
    this.#addresses.leave(visit.remoteAddress)
    this.fail(visit, 'it was closed during the handshake')
    visit.connected()
  }

  #closeSilent(visit: Visit, why: string): void {
    this.counters.silent++
    this.#failed.say(`Client connection from ${visit.peer} closed: ${why}.`)
    visit.socket.destroy()
  }
}
