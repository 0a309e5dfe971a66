/** How a client encrypts application payloads end to end: what its key is, only the cipher knows. */
export interface MessageCipher {
  /** Whether messages to this topic are to be encrypted. A topic it answers for is never sent in clear: seal throws instead. */
  covers(topic: string): boolean
  /**
   * @param sender 32-byte thumbprint, undefined when unsigned
   * @returns COSE_Encrypt0, tag 16
   * @throws {ClientError} ERR_NO_ENCRYPTION_KEY, ERR_KEY_EXHAUSTED
   */
  seal(topic: string, payload: Uint8Array, sender: Uint8Array | undefined): Promise<Uint8Array>
  /** @throws {ClientError} ERR_NO_ENCRYPTION_KEY, ERR_NOT_DECRYPTED */
  open(topic: string, message: Uint8Array, sender: Uint8Array | undefined): Promise<Uint8Array>
}
