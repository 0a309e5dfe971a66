import type { ConnectPacket } from './packets.ts'

/**
 * Keep alive that holds for a client. [MQTT-5.0 3.2.2-21]
 * @param maxSeconds a longer or absent one is lowered to this, where the client can be told; 0: as the client wants
 */
export function grantedKeepAliveSeconds(connect: ConnectPacket, maxSeconds: number): number {
  const { keepAliveSeconds, protocolVersion } = connect
  if (protocolVersion !== 5 || maxSeconds === 0) return keepAliveSeconds
  return keepAliveSeconds === 0 ? maxSeconds : Math.min(keepAliveSeconds, maxSeconds)
}

/**
 * Watches for a client that has fallen silent: one and a half times its Keep Alive. [MQTT-5.0 3.1.2-22] Hearing costs
 * nothing but a note; the timer looks at it when it fires.
 */
export class KeepAlive {
  readonly #onSilence: () => void
  #limitMs = 0
  #heardAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #isSuspended = false

  constructor(onSilence: () => void) {
    this.#onSilence = onSilence
  }

  /** True while we do not listen: what the client sends meanwhile is not heard, and not missed. */
  set isSuspended(isSuspended: boolean) {
    // What it sent meanwhile takes a moment to come.
    if (this.#isSuspended && !isSuspended) this.heard()
    this.#isSuspended = isSuspended
  }

  /** @param seconds 0: never */
  start(seconds: number): void {
    this.stop()
    if (seconds === 0) return
    this.#limitMs = seconds * 1500
    this.#heardAtMs = performance.now()
    this.#arm(this.#limitMs)
  }

  heard(): void {
    if (this.#limitMs > 0) this.#heardAtMs = performance.now()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#limitMs = 0
  }

  #arm(waitMs: number): void {
    this.#timer = setTimeout(() => this.#look(), waitMs)
    this.#timer.unref()
  }

  #look(): void {
    if (this.#isSuspended) this.#heardAtMs = performance.now()
    const leftMs = this.#heardAtMs + this.#limitMs - performance.now()
    if (leftMs <= 0) this.#onSilence()
    else this.#arm(Math.ceil(leftMs))
  }
}
