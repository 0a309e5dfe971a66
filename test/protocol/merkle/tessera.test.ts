import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  consistencyProof,
  frontierFromTiles,
  HashTile,
  inclusionProof,
  toHex,
  verifyConsistency,
  verifyInclusion,
} from '../../../protocol/index.ts'
import { readTesseraCheckpoint, readTesseraLeafHashes, readTesseraTile } from '../../helpers/tessera.ts'

const largest = 15
const source = (tile: Parameters<typeof readTesseraTile>[0]) =>
  Promise.resolve(new HashTile(readTesseraTile(tile), nativeCrypto))

test('the roots from the tiles of Tessera, found by our paths, are those of its checkpoints, for every size', async () => {
  for (let size = 0; size <= largest; size++) {
    const checkpoint = readTesseraCheckpoint(size)
    assert.equal(checkpoint.size, size)
    const frontier = await frontierFromTiles(size, source, nativeCrypto)
    assert.equal(toHex(frontier.root()), toHex(checkpoint.rootHash), `size ${size}`)
  }
})

test('the entries of Tessera are proved by its tiles under its checkpoints, and the checkpoints to extend each other', async () => {
  for (let size = 1; size <= largest; size++) {
    const { rootHash } = readTesseraCheckpoint(size)
    for (const [index, hash] of readTesseraLeafHashes(size).entries()) {
      verifyInclusion(await inclusionProof(index, size, source, nativeCrypto), hash, rootHash, nativeCrypto)
      const older = readTesseraCheckpoint(index + 1).rootHash
      verifyConsistency(await consistencyProof(index + 1, size, source, nativeCrypto), older, rootHash, nativeCrypto)
    }
  }
})
