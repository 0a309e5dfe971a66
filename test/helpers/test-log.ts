import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { utf8 } from '../../protocol/bytes.ts'
import { encodeAddCheckpoint, leafHash, signCheckpoint, type TileSource } from '../../protocol/index.ts'
import { NaiveTree } from './naive-tree.ts'
import { logKey, type TestNoteKey } from './notes.ts'

/** A log of up to so many leaves, all of whose checkpoints can be asked for. */
export class TestLog {
  readonly origin: string
  readonly key: TestNoteKey
  readonly tree: NaiveTree

  /** @param n of its key, as in {@link logKey} */
  constructor(origin: string, n: number, leaves: readonly string[]) {
    this.origin = origin
    this.key = logKey(origin, n)
    this.tree = new NaiveTree(leaves.map((leaf) => leafHash(utf8(leaf), nativeCrypto)))
  }

  rootHash(treeSize: number): Uint8Array {
    return this.tree.root(0, treeSize)
  }

  /** The signed note for its first leaves. */
  checkpoint(treeSize: number): string {
    const { origin } = this
    const checkpoint = { origin, treeSize: BigInt(treeSize), rootHash: this.rootHash(treeSize) }
    return signCheckpoint(checkpoint, this.key.signer)
  }

  /** An honest request: with the proof from one size to the other, where there is one. */
  request(oldSize: number, treeSize: number): string {
    const path = oldSize === 0 || oldSize > treeSize ? [] : this.tree.consistency(oldSize, treeSize)
    return encodeAddCheckpoint({ oldSize: BigInt(oldSize), path, checkpoint: this.checkpoint(treeSize) })
  }

  get tiles(): TileSource {
    return this.tree.source()
  }
}

const numbered = (name: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `${name} ${from + i}`)

/** A log of so many leaves. */
export function growingLog(origin: string, count: number, n = 1): TestLog {
  return new TestLog(origin, n, numbered('leaf', count))
}

/** Signs with the same key, and has the same first leaves and then others. */
export function forkedLog(origin: string, count: number, common: number, n = 1): TestLog {
  return new TestLog(origin, n, [...numbered('leaf', common), ...numbered('other leaf', count - common, common)])
}
