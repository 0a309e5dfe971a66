import type { Client, PublishPacket } from 'aedes'
import { nativeCrypto, type Qos2Marks, type StoreDatabase, type StoreOperation } from '../../plugins/index.ts'
import { bytesEqual, encodeCbor } from '../../protocol/index.ts'

const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const

/**
 * QoS 2 publishes that are in the chain and wait for their PUBREL: one key per client and packet id, written with the
 * record, holding the digest of the publish. The digest makes a mark that a power cut left behind harmless: another
 * publish under the same packet id is not taken for a retransmission.
 */
export class LevelQos2Marks implements Qos2Marks {
  readonly #marks

  constructor(database: StoreDatabase) {
    this.#marks = database.sublevel<Uint8Array, Uint8Array>('qos2', encodings)
  }

  markOf(client: Client, packet: PublishPacket): StoreOperation | undefined {
    // A session that ends with its connection cannot send anything again.
    if (client.clean) return undefined
    return { type: 'put', sublevel: this.#marks, key: keyOf(client.id, packet.messageId), value: digestOf(packet) }
  }

  async isMarked(client: Client, packet: PublishPacket): Promise<boolean> {
    if (client.clean) return false
    const digest = await this.#marks.get(keyOf(client.id, packet.messageId))
    return digest !== undefined && bytesEqual(digest, digestOf(packet))
  }

  async remove(client: { id: string; clean?: boolean }, packet: { messageId?: number }): Promise<void> {
    if (client.clean !== true) await this.#marks.del(keyOf(client.id, packet.messageId))
  }

  async removeAll(client: { id: string }): Promise<void> {
    await this.#marks.clear({ gte: keyOf(client.id, 0), lte: keyOf(client.id, 0xffff) })
  }
}

/** Length, client id, packet id: no client's keys lie among another's. */
function keyOf(clientId: string, packetId = 0): Uint8Array {
  const id = Buffer.from(clientId)
  const key = Buffer.alloc(4 + id.length)
  key.writeUInt16BE(id.length, 0)
  id.copy(key, 2)
  key.writeUInt16BE(packetId, 2 + id.length)
  return key
}

function digestOf(packet: PublishPacket): Uint8Array {
  const flags = encodeCbor([packet.topic, packet.retain])
  return nativeCrypto.sha256(flags, Buffer.from(packet.payload))
}
