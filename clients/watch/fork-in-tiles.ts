import {
  bytesEqual,
  type CryptoProvider,
  consistencyProof,
  frontierFromTiles,
  HashTile,
  type TileSource,
  tileIn,
  toBase64url,
} from '../../protocol/index.ts'
import type { RemoteLog } from './http-log.ts'
import type { FindFork } from './leaves-check.ts'

/** Asks the tiles of a log whether a signed tree is another one than before. */
export function forkInTiles(log: RemoteLog, crypto: CryptoProvider): FindFork {
  return async (known, newer) => {
    // Those of the tree that is there now: partial tiles of the one before may be gone.
    const tiles: TileSource = async (tile) => {
      return new HashTile(await log.read({ kind: 'tile', ...tileIn(newer.size, tile) }), crypto)
    }
    const prefix = (await frontierFromTiles(known.size, tiles, crypto)).root()
    const whole = (await frontierFromTiles(newer.size, tiles, crypto)).root()
    if (!bytesEqual(whole, newer.rootHash) || bytesEqual(prefix, known.rootHash)) return undefined
    const { path } = await consistencyProof(known.size, newer.size, tiles, crypto)
    return { prefixRoot: toBase64url(prefix), path: path.map(toBase64url) }
  }
}
