import type { AuditStore } from '../../plugins/index.ts'
import { type Block, decodeBlock, decodeRecord } from '../../protocol/index.ts'
import { type Message, messageOfRecord } from './message.ts'
import type { MessageSource } from './outbox.ts'

/** Payload bytes of messages that were queued a moment ago. */
const maxRecentBytes = 16 * 1024 * 1024
/** What a message costs beside its payload. */
const messageOverhead = 512
/** Blocks read back; drains of several clients go through different places of the chain. */
const maxBlocks = 16

interface LoadedBlock {
  readonly firstIndex: number
  readonly block: Block
  readonly messages: (Message | undefined)[]
}

/** Messages by the index of their record: the newest from memory, all others from the chain. */
export class MessageCache implements MessageSource {
  readonly #store: AuditStore
  readonly #recent = new Map<number, Message>()
  #recentBytes = 0
  /** Least recently used first. */
  #blocks: LoadedBlock[] = []

  constructor(store: AuditStore) {
    this.#store = store
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
    const recent = this.#recent.get(index)
    if (recent !== undefined) return recent
    const loaded = this.#loaded(index)
    return loaded === undefined ? undefined : messageIn(loaded, index)
  }

  async load(index: number): Promise<Message | undefined> {
    const stored = await this.#store.blockAt(index)
    if (stored === undefined) return undefined
    const block = decodeBlock(stored.encoded)
    if (index >= stored.firstIndex + block.entries.length) return undefined
    const loaded = { firstIndex: stored.firstIndex, block, messages: [] }
    this.#blocks.push(loaded)
    if (this.#blocks.length > maxBlocks) this.#blocks.shift()
    return messageIn(loaded, index)
  }

  #loaded(index: number): LoadedBlock | undefined {
    const blocks = this.#blocks
    for (let i = blocks.length - 1; i >= 0; i--) {
      const loaded = blocks[i] as LoadedBlock
      if (index >= loaded.firstIndex && index < loaded.firstIndex + loaded.block.entries.length) {
        if (i < blocks.length - 1) {
          blocks.splice(i, 1)
          blocks.push(loaded)
        }
        return loaded
      }
    }
    return undefined
  }
}

function messageIn(loaded: LoadedBlock, index: number): Message | undefined {
  const place = index - loaded.firstIndex
  const known = loaded.messages[place]
  if (known !== undefined) return known
  const entry = loaded.block.entries[place]
  if (entry === undefined) return undefined
  const record = decodeRecord(entry.record)
  if (record.kind !== 'publish') return undefined
  const message = messageOfRecord(index, record, entry.body)
  loaded.messages[place] = message
  return message
}
