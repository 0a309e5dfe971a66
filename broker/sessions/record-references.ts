import { type RecordReference, readAt, type StoreDatabase, type StoreSnapshot } from '../../plugins/index.ts'
import { ProtocolError } from '../../protocol/index.ts'
import { decodeChunk } from './chunk-codec.ts'
import { decodeRetained } from './retained.ts'
import { numberOfKey, splitKey } from './session-keys.ts'
import { SessionStore } from './session-store.ts'

/**
 * Everything that sessions keep of records by their index: queued messages, and where retained copies came from.
 * @param snapshot what is read; default: the newest state
 */
export async function* recordReferences(
  database: StoreDatabase,
  snapshot?: StoreSnapshot,
): AsyncGenerator<RecordReference> {
  const { queues, retained } = new SessionStore(database, false).sublevels
  for await (const [key, value] of queues.iterator(readAt(snapshot))) {
    const place = `queue of ${placeText(() => splitKey(key).clientId)}`
    yield* readable(place, () =>
      decodeChunk(value, numberOfKey(splitKey(key).rest), 0).entries.map(({ index }) => index),
    )
  }
  for await (const [key, value] of retained.iterator(readAt(snapshot))) {
    yield* readable(`retained message of ${Buffer.from(key).toString()}`, () => [decodeRetained(key, value).index])
  }
}

/** What cannot be read refers to the genesis record, which is no message. */
function readable(place: string, read: () => readonly number[]): RecordReference[] {
  try {
    return read().map((index) => ({ index, place }))
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof RangeError) return [{ index: 0, place }]
    throw error
  }
}

function placeText(read: () => string): string {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) return 'no client'
    throw error
  }
}
