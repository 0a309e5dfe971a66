import { type AuditChain, storeSublevel } from '../audit-chain/index.ts'

/** The newest checkpoint that a witness is known to have cosigned. */
export interface LastCosigned {
  readonly treeSize: number
  /** What the cosignature says, seconds since 1970. */
  readonly timeSeconds: number
}

const encoder = new TextEncoder()
const entryBytes = 16

/** What each witness cosigned last, over restarts: where the next proof begins. A witness that knows better says so. */
export class WitnessMemory {
  readonly #chain: Pick<AuditChain, 'genesis' | 'record'>
  readonly #sublevel

  constructor(chain: Pick<AuditChain, 'database' | 'genesis' | 'record'>) {
    this.#chain = chain
    this.#sublevel = storeSublevel(chain.database, 'witnesses')
  }

  /** @param vkey verifier key of the witness */
  async read(vkey: string): Promise<LastCosigned | undefined> {
    const entry = await this.#sublevel.get(this.#keyOf(vkey))
    if (entry?.length !== entryBytes) return undefined
    const view = new DataView(entry.buffer, entry.byteOffset)
    return { treeSize: Number(view.getBigUint64(0)), timeSeconds: Number(view.getBigUint64(8)) }
  }

  /** With the next commit. Rejects when the store fails. */
  write(vkey: string, { treeSize, timeSeconds }: LastCosigned): Promise<void> {
    const value = new Uint8Array(entryBytes)
    const view = new DataView(value.buffer)
    view.setBigUint64(0, BigInt(treeSize))
    view.setBigUint64(8, BigInt(timeSeconds))
    const also = [{ type: 'put' as const, sublevel: this.#sublevel, key: this.#keyOf(vkey), value }]
    return this.#chain.record(() => ({ also }))
  }

  /** Another log in the same store, after a recovery, begins anew. */
  #keyOf(vkey: string): Uint8Array {
    return encoder.encode(`${this.#chain.genesis.origin}\n${vkey}`)
  }
}
