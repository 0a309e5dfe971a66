import { type AuditChain, type StoreDatabase, storeSublevel } from '../audit-chain/index.ts'

const nothing = new Uint8Array(0)

/**
 * Which anchors were written, kept in the store: one that is gone since is noticed. A store that was rolled back to
 * before the first writing does not know it; then the other anchors have to.
 */
export class AnchoredPlaces {
  readonly #sublevel
  readonly #known = new Set<string>()

  private constructor(database: StoreDatabase) {
    this.#sublevel = storeSublevel(database, 'anchored')
  }

  static async open(database: StoreDatabase): Promise<AnchoredPlaces> {
    const places = new AnchoredPlaces(database)
    for await (const key of places.#sublevel.keys()) places.#known.add(new TextDecoder().decode(key))
    return places
  }

  /** In the order of their names. */
  get all(): readonly string[] {
    return [...this.#known]
  }

  has(place: string): boolean {
    return this.#known.has(place)
  }

  /** Notes that an anchor was written there; resolves when that is durable. */
  async note(place: string, chain: Pick<AuditChain, 'record'>): Promise<void> {
    if (this.#known.has(place)) return
    const key = new TextEncoder().encode(place)
    const also = [{ type: 'put' as const, sublevel: this.#sublevel, key, value: nothing }]
    await chain.record(() => ({ also }))
    this.#known.add(place)
  }

  /** Of a stopped chain: from now on the anchor may be missing. @returns false when none was ever written there */
  async forget(place: string): Promise<boolean> {
    if (!this.#known.delete(place)) return false
    await this.#sublevel.del(new TextEncoder().encode(place))
    return true
  }
}
