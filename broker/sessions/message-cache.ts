import type { AuditStore, StoredBlock } from '../../plugins/index.ts'
import { type Block, decodeBlock } from '../../protocol/index.ts'
import type { Message } from './message.ts'
import type { PublishView } from './publish-view.ts'
import type { MessageSource } from './queue.ts'
import { readStoredMessage } from './stored-message.ts'

/** Payload bytes of messages that were queued a moment ago. */
const maxRecentBytes = 16 * 1024 * 1024
/** What a message costs beside its payload. */
const messageOverhead = 512
/** What is read from the chain at once: a queue is drained in its order. */
const blocksPerRead = 64
const bytesPerRead = 1024 * 1024
/** Reads kept: drains of several clients go through different places of the chain. */
const maxReads = 8

/** A block that was read, and the messages that somebody asked for. */
interface LoadedBlock {
  readonly firstIndex: number
  /** Index after its last record. */
  readonly endIndex: number
  readonly block: Block
  readonly messages: (Message | undefined)[]
}

/** Messages by the index of their record: the newest from memory, all others from the chain. */
export class MessageCache implements MessageSource {
  readonly #store: AuditStore
  readonly #view: PublishView
  readonly #recent = new Map<number, Message>()
  #recentBytes = 0
  /** Oldest first; the blocks of one read follow each other in the chain. */
  #reads: (readonly LoadedBlock[])[] = []
  #last: LoadedBlock | undefined

  constructor(store: AuditStore, view: PublishView) {
    this.#store = store
    this.#view = view
  }

  /** Keeps a message that is queued for somebody, for a while. */
  remember(message: Message): void {
    this.#recent.set(message.index, message)
    this.#recentBytes += message.payload.length + messageOverhead
    if (this.#recentBytes <= maxRecentBytes) return
    for (const [index, oldest] of this.#recent) {
      this.#recent.delete(index)
      this.#recentBytes -= oldest.payload.length + messageOverhead
      if (this.#recentBytes <= maxRecentBytes / 2) return
    }
  }

  get(index: number): Message | undefined {
    const last = this.#last
    if (last !== undefined && index >= last.firstIndex && index < last.endIndex) return this.#messageIn(last, index)
    return this.#recent.get(index) ?? this.#find(index)
  }

  async load(index: number): Promise<Message | undefined> {
    const known = this.get(index)
    if (known !== undefined) return known
    const stored = await this.#store.blocksAt(index, blocksPerRead, bytesPerRead)
    if (stored.length > 0) {
      this.#reads.push(stored.map(decode))
      if (this.#reads.length > maxReads) this.#reads.shift()
    }
    return this.#find(index)
  }

  #find(index: number): Message | undefined {
    for (let i = this.#reads.length - 1; i >= 0; i--) {
      const read = this.#reads[i] as readonly LoadedBlock[]
      const first = read[0] as LoadedBlock
      const end = read[read.length - 1] as LoadedBlock
      if (index < first.firstIndex || index >= end.endIndex) continue
      const loaded = read.find(({ endIndex }) => index < endIndex)
      if (loaded === undefined) continue
      this.#last = loaded
      return this.#messageIn(loaded, index)
    }
    return undefined
  }

  #messageIn(loaded: LoadedBlock, index: number): Message | undefined {
    const place = index - loaded.firstIndex
    const known = loaded.messages[place]
    if (known !== undefined) return known
    const entry = loaded.block.entries[place]
    // Erased, or no publish: there is nothing to deliver. An empty payload is one of no bytes.
    if (entry?.record === undefined || entry.body === undefined) return undefined
    const message = readStoredMessage(index, entry.record, entry.body, this.#view)
    loaded.messages[place] = message
    return message
  }
}

function decode({ firstIndex, encoded }: StoredBlock): LoadedBlock {
  const block = decodeBlock(encoded)
  return { firstIndex, endIndex: firstIndex + block.entries.length, block, messages: [] }
}
