import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, leafPrefix } from '../merkle/index.ts'
import { MessageRow } from '../sha256/index.ts'
import type { BlockEntry } from './block.ts'

/** A leaf with its prefix, of any time since February 1970. */
const leafMessageBytes = 46

/** Every hash that the entries of one block are held against, all made before the first of them is looked at. */
export class BlockDigests {
  /** Hashes of the leaves as they are there, side by side. */
  readonly leafHashes: Uint8Array
  readonly #commitments: Uint8Array
  readonly #bodies: Uint8Array

  constructor(entries: readonly BlockEntry[], crypto: CryptoProvider) {
    let [saltedBytes, bodyBytes] = [0, 0]
    for (const { salt, record, body } of entries) {
      saltedBytes += (salt?.length ?? 0) + (record?.length ?? 0)
      bodyBytes += body?.length ?? 0
    }
    const leaves = new MessageRow(entries.length * leafMessageBytes)
    const salted = new MessageRow(saltedBytes)
    const bodies = new MessageRow(bodyBytes)
    for (const { leaf, salt, record, body } of entries) {
      leaves.add(leafPrefix, leaf)
      // Nothing in the place of what is gone, so that every entry has its place.
      if (salt !== undefined) salted.writer.raw(salt).raw(record)
      salted.end()
      if (body !== undefined) bodies.writer.raw(body)
      bodies.end()
    }
    this.leafHashes = leaves.digests(crypto)
    this.#commitments = salted.digests(crypto)
    this.#bodies = bodies.digests(crypto)
  }

  /** SHA-256 of salt and record of an entry that has them. @param at place in the block */
  commitment(at: number): Uint8Array {
    return this.#commitments.subarray(at * hashBytes, (at + 1) * hashBytes)
  }

  /** SHA-256 of the body of an entry that has one. @param at place in the block */
  bodySha256(at: number): Uint8Array {
    return this.#bodies.subarray(at * hashBytes, (at + 1) * hashBytes)
  }
}
