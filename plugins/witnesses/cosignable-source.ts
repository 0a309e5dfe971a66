/** What witnesses are asked to cosign. */
export interface CosignableCheckpoint {
  readonly treeSize: number
  /** Signed note, with the cosignatures so far. */
  readonly note: string
}

/** Where checkpoints come from and cosignatures go: the keeper of the chain's checkpoints. */
export interface CosignableSource {
  /** Undefined until there is one. */
  readonly newest: CosignableCheckpoint | undefined
  /** Told of every checkpoint that is published, and again when cosignatures were added to it. @returns ends that */
  onPublished(listener: () => void): () => void
  /** @param lines signature lines; unless the checkpoint of this size is too old, they are kept with it */
  addCosignatures(treeSize: number, lines: string): Promise<unknown>
}
