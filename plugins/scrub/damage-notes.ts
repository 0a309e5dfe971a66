import { damageRecord } from '../../protocol/index.ts'
import { type AuditChain, storeSublevel, tileName } from '../audit-chain/index.ts'
import type { Finding } from './walk.ts'

/** Damage that the chain has a record of. */
export interface DamageAlarm extends Omit<Finding, 'repair'> {
  readonly kind: 'damage'
  /** Index of the damage record. */
  readonly index: number
}

/** Beyond so many places nobody learns anything from another record. */
const maxPlaces = 1000

/** Seals what was found in the chain, once for each place; the places outlast a restart. */
export class DamageNotes {
  readonly #chain: AuditChain
  readonly #sublevel
  readonly #places: Set<string>

  private constructor(chain: AuditChain, sublevel: ReturnType<typeof placesOf>, places: Set<string>) {
    this.#chain = chain
    this.#sublevel = sublevel
    this.#places = places
  }

  static async open(chain: AuditChain): Promise<DamageNotes> {
    const sublevel = placesOf(chain)
    const keys = await sublevel.keys().all()
    return new DamageNotes(chain, sublevel, new Set(keys.map((key) => Buffer.from(key).toString())))
  }

  /** Places that are damaged and have a record. */
  get count(): number {
    return this.#places.size
  }

  /**
   * Records a finding unless its place is known, and repairs what can be repaired, in one batch.
   * @returns undefined: there is no record
   */
  async seal({ repair, ...damage }: Finding): Promise<DamageAlarm | undefined> {
    const name = placeOf(damage)
    const isRecorded = !this.#places.has(name) && this.#places.size < maxPlaces
    if (!isRecorded && repair === undefined) return undefined
    const key = Buffer.from(name)
    // What was repaired may be damaged another time.
    const place = repair ?? ({ type: 'put', sublevel: this.#sublevel, key, value: new Uint8Array(0) } as const)
    let index = 0
    await this.#chain.record((offered, timeMs) => {
      index = offered
      return isRecorded ? { record: damageRecord(damage, timeMs), also: [place] } : { also: [place] }
    })
    if (!isRecorded) return undefined
    if (repair === undefined) this.#places.add(name)
    return { kind: 'damage', index, ...damage }
  }
}

function placesOf(chain: AuditChain) {
  return storeSublevel(chain.database, 'damage')
}

/** One for what is damaged by the same cause: the block or record that it begins with, or the tile. */
function placeOf({ firstIndex, tile }: Omit<Finding, 'repair'>): string {
  return tile === undefined ? `record ${firstIndex}` : tileName(tile)
}
