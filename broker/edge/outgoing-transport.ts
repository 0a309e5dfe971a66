/** Where an edge writes. */
export interface OutgoingTransport {
  /** @returns false when the system does not keep up */
  write(bytes: Buffer): boolean
  /** Bytes written that the system has not taken yet. */
  readonly bufferedBytes: number
}
