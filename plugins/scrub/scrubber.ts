import { type AuditChain, ErasureMarks, TileTable } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { BlockReader, type NextBlock } from './block-reader.ts'
import { type DamageAlarm, DamageNotes } from './damage-notes.ts'
import { Pacer } from './pacer.ts'
import { ProgressStore, type ScrubProgress } from './scrub-progress.ts'
import { type Finding, ScrubWalk } from './walk.ts'

/** What a pass through the chain came to. */
export interface ScrubPass {
  /** Records that were there when it began. */
  readonly records: number
  /** What it found, known damage included; since the last start, when there was one meanwhile. */
  readonly findings: number
}

export interface ScrubberOptions {
  readonly chain: AuditChain
  /** Records to check each second, as it is now; 0: none. A large body counts as one for every 4 KiB, a header as four. */
  readonly perSecond: () => number
  /** Told of damage when its record is durable. */
  readonly onDamage: (alarm: DamageAlarm) => void
  /** Told at the end of each pass. */
  readonly onPass: (pass: ScrubPass) => void
  readonly onError: (error: unknown) => void
  /** Wall clock, milliseconds. Default: the system's. */
  readonly now?: () => number
}

/** What the scrub has done so far. */
export interface ScrubStatus {
  /** Records checked in the pass that is running. */
  readonly checked: number
  readonly passes: number
  /** Milliseconds since 1970; 0: none was completed. */
  readonly lastPassMs: number
  /** Damaged places that the chain has a record of. */
  readonly damage: number
}

/** Counted since the start. */
export interface ScrubCounters {
  readonly records: number
  readonly repairedTiles: number
}

/** From the end of a pass to the beginning of the next one. */
const passIntervalMs = 24 * 60 * 60 * 1000
/** Between two looks whether a pass is due. */
const idleMs = 1000
/** What cannot be read for another reason than damage is not tried, and told, all the time. */
const afterErrorMs = 60_000
/** One or two for each level of the largest tree. */
const tilesInMemory = 16
/** What a crash lets be checked again, at most. */
const saveEveryMs = 30_000

/**
 * Checks what is stored, slowly, from the genesis to the end, once a day at most: disks forget. Nothing depends on it but
 * that damage is found while there still is a backup of what is damaged.
 */
export class Scrubber {
  readonly #options: ScrubberOptions
  readonly #now: () => number
  readonly #pacer: Pacer
  readonly #tiles: TileTable
  readonly #store: ProgressStore
  readonly #notes: DamageNotes
  readonly #counters = { records: 0, repairedTiles: 0 }
  #progress: ScrubProgress
  #findings = 0
  #savedMs = 0
  #running: Promise<void> = Promise.resolve()

  private constructor(options: ScrubberOptions, store: ProgressStore, notes: DamageNotes, progress: ScrubProgress) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#pacer = new Pacer(options.perSecond)
    this.#tiles = new TileTable(options.chain.database)
    this.#store = store
    this.#notes = notes
    this.#progress = progress
  }

  /** Goes on where it was when the chain was closed. */
  static async open(options: ScrubberOptions): Promise<Scrubber> {
    const store = new ProgressStore(options.chain)
    const notes = await DamageNotes.open(options.chain)
    return new Scrubber(options, store, notes, await store.read())
  }

  get status(): ScrubStatus {
    const { next, passes, lastPassMs } = this.#progress
    return { checked: next, passes, lastPassMs, damage: this.#notes.count }
  }

  get counters(): ScrubCounters {
    return this.#counters
  }

  start(): void {
    this.#running = this.#run()
  }

  /** The rate may be another one. */
  applyOptions(): void {
    this.#pacer.wake()
  }

  /** Resolves when nothing more is read; where it is then goes to the chain. */
  async stop(): Promise<void> {
    this.#pacer.stop()
    await this.#running
    this.#save()
  }

  async #run(): Promise<void> {
    while (!this.#pacer.isStopped) {
      try {
        await this.#pacer.rest(idleMs)
        if (this.#isDue()) await this.#pass()
      } catch (error) {
        // While the store is being opened again nothing can be read, and that says nothing about what is stored.
        if (this.#pacer.isStopped || this.#options.chain.outage !== undefined) continue
        this.#options.onError(error)
        await this.#pacer.rest(afterErrorMs)
      }
    }
  }

  #isDue(): boolean {
    const { next, passes, lastPassMs } = this.#progress
    if (this.#pacer.isStopped || this.#options.chain.outage !== undefined) return false
    return next > 0 || passes === 0 || this.#now() - lastPassMs >= passIntervalMs
  }

  /** Goes on to the end of what was there when it began. */
  async #pass(): Promise<void> {
    const { chain, onPass } = this.#options
    const end = chain.nextIndex
    const reader = new BlockReader(chain.store)
    const walk = this.#walk()
    while (walk.next < end && !this.#pacer.isStopped) {
      const before = walk.next
      for (const finding of await step(walk, reader, end)) {
        // The store may take no writes while the broker ends; what is not recorded then is found again.
        await Promise.race([this.#take(finding), this.#pacer.stopped])
        if (this.#pacer.isStopped) return
      }
      this.#counters.records += walk.next - before
      this.#progress = { ...this.#progress, next: walk.next }
      if (this.#now() - this.#savedMs >= saveEveryMs) this.#save()
    }
    if (walk.next < end) return
    this.#progress = { next: 0, passes: this.#progress.passes + 1, lastPassMs: this.#now() }
    this.#save()
    onPass({ records: end, findings: this.#findings })
    this.#findings = 0
  }

  #walk(): ScrubWalk {
    const { chain } = this.#options
    const marks = new ErasureMarks(chain.database, chain.store)
    const options = {
      tiles: this.#tiles,
      // A few tiles for each level: what is read is to come from the disk.
      readTile: chain.newTileReader(tilesInMemory).read,
      brokerAt: (firstIndex: number) => chain.registry.notary.brokerAt(firstIndex),
      isErased: async (...place: Parameters<ErasureMarks['find']>) => (await marks.find(...place)) !== undefined,
      crypto: nativeCrypto,
      spend: (units: number) => this.#pacer.spend(units),
    }
    return new ScrubWalk(options, this.#progress.next)
  }

  async #take(finding: Finding): Promise<void> {
    this.#findings++
    const alarm = await this.#notes.seal(finding)
    if (finding.repair !== undefined) this.#counters.repairedTiles++
    if (alarm !== undefined) this.#options.onDamage(alarm)
  }

  /** Lets the place go to the store with the next commit; what of it is lost is checked again. */
  #save(): void {
    const { chain } = this.#options
    if (chain.outage !== undefined) return
    this.#savedMs = this.#now()
    const also = [this.#store.put(this.#progress)]
    chain.submit({ bytes: 64, decide: () => ({ also }), settle: () => {} })
  }
}

/** Goes on by one block, or behind those that are not there. */
async function step(walk: ScrubWalk, reader: BlockReader, end: number): Promise<readonly Finding[]> {
  const { next } = walk
  const found = await reader.from(next, end)
  if (found === undefined) return walk.skip(end, 'missing-block')
  if ('unreadableUntil' in found) return walk.skip(found.unreadableUntil, 'unreadable-block')
  if (found.firstIndex > next) return walk.skip(found.firstIndex, 'missing-block')
  return walk.check(found, async () => beginOf(await reader.from(next + 1, end)) ?? end)
}

/** Index of the first record that is there. */
function beginOf(block: NextBlock | undefined): number | undefined {
  return block !== undefined && 'unreadableUntil' in block ? block.unreadableUntil : block?.firstIndex
}
