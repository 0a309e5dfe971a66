import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Instance } from '../rows.ts'
import type { Peer, PeerName } from './peer.ts'

/** Starts one broker process; `directory` is empty and its own. */
export type StartPeer = (directory: string, instance: Instance) => Promise<Peer>

/** The broker processes of a run: started when first needed, shared by the rows that may share, replaced when discarded. */
export class PeerPool {
  readonly #start: Record<PeerName, StartPeer>
  readonly #directory: string
  readonly #peers = new Map<string, Peer>()
  #started = 0

  constructor(start: Record<PeerName, StartPeer>, directory: string) {
    this.#start = start
    this.#directory = directory
  }

  /** @throws {NotInstalledError} and whatever keeps the broker from starting */
  async get(name: PeerName, instance: Instance): Promise<Peer> {
    const key = `${name} ${instance}`
    const running = this.#peers.get(key)
    if (running !== undefined) return running
    const directory = join(this.#directory, `${name}-${this.#started++}`)
    mkdirSync(directory)
    const peer = await this.#start[name](directory, instance)
    this.#peers.set(key, peer)
    return peer
  }

  async discard(name: PeerName, instance: Instance): Promise<void> {
    const key = `${name} ${instance}`
    const peer = this.#peers.get(key)
    this.#peers.delete(key)
    await peer?.stop()
  }

  async stopAll(): Promise<void> {
    const peers = [...this.#peers.values()]
    this.#peers.clear()
    await Promise.all(peers.map((peer) => peer.stop()))
  }
}
