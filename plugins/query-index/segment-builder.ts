import { type ChunkInfo, type EncodedChunk, encodeChunks, encodeSummary } from './segment-format.ts'
import { type IndexedField, indexedFields, readTerms, type Term } from './terms.ts'

/** Collects the terms of one segment. */
export class SegmentBuilder {
  readonly #terms = new Map<IndexedField, Map<Term, number[]>>(indexedFields.map((field) => [field, new Map()]))

  readonly #size: number

  /** @param size records of the segment */
  constructor(size: number) {
    this.#size = size
  }

  /**
   * @param offset within the segment, above all before
   * @param encoded record
   * @throws {ProtocolError} ERR_CBOR_*
   */
  add(offset: number, encoded: Uint8Array): void {
    readTerms(encoded, (field, term) => {
      const terms = this.#terms.get(field) as Map<Term, number[]>
      const offsets = terms.get(term)
      if (offsets === undefined) terms.set(term, [offset])
      else if (offsets.at(-1) !== offset) offsets.push(offset)
    })
  }

  /** @param headerHash of the block that holds the last record */
  finish(headerHash: Uint8Array): { summary: Uint8Array; chunks: readonly EncodedChunk[] } {
    const chunks: EncodedChunk[] = []
    const infos = {} as Record<IndexedField, readonly ChunkInfo[]>
    for (const [field, terms] of this.#terms) {
      const encoded = encodeChunks(field, terms, this.#size)
      infos[field] = encoded.infos
      chunks.push(...encoded.chunks)
    }
    return { summary: encodeSummary({ size: this.#size, headerHash, chunks: infos }), chunks }
  }
}
