/** What key messages need of a message that came; the SDK's incoming messages have it. */
export interface KeyMessage {
  readonly topic: string
  readonly payload: Uint8Array
  /** Present: the key of this thumbprint, in base64url, signed exactly this topic and payload. */
  readonly verified?: { readonly kid: string; readonly repeated: boolean } | undefined
}

/** How key messages travel: signed as every publish of the client, and verified on the way in. Keeps the order. */
export interface KeyTransport {
  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1 | 2; readonly retain: boolean },
  ): Promise<void>
  subscribe(filter: string): Promise<void>
  /** @returns ends it */
  onMessage(listener: (message: KeyMessage) => void): () => void
}

/** Where encryption keeps what a restart must not lose: the part of a client's key store that it needs. */
export interface EncryptionMemory extends UsageMemory {
  get(name: string): Promise<Uint8Array | undefined>
  /** Atomic; written only when the present value is `expected` (undefined: absent). @returns whether it was written */
  set(name: string, value: Uint8Array, expected?: Uint8Array): Promise<boolean>
}

/** Where messages under a key are counted. */
export interface UsageMemory {
  /** @throws {ClientError} ERR_KEY_EXHAUSTED above 2^32 */
  countEncryptions(keyName: string, count: number): Promise<void>
}
