import { ClientError } from '../../errors.ts'
import type { NotaryClient, VerifiedReceipt } from '../../sdk/index.ts'

/** A checkpoint comes every second where nobody set another interval, and its witnesses may take their time. */
const patienceMs = 60_000

/** Waits for receipts of messages that a client published. */
export class ReceiptsOfPublishes {
  readonly #receipts: VerifiedReceipt[] = []
  #failure: unknown
  #wake: () => void = () => {}

  /** From now on receipts are kept. */
  constructor(client: NotaryClient) {
    client.on('receipt', (receipt) => {
      this.#receipts.push(receipt)
      this.#wake()
    })
    client.on('error', (error) => {
      this.#failure ??= error
      this.#wake()
    })
    client.on('close', () => {
      this.#failure ??= new ClientError('ERR_CONNECTION', 'the connection broke before the receipts came')
      this.#wake()
    })
  }

  /**
   * @param count how many: one for each message that was accepted
   * @returns in the order in which they came, verified
   * @throws {ClientError} ERR_TIMEOUT, ERR_RECEIPT_INVALID, ERR_EQUIVOCATION, ERR_CONNECTION
   */
  async all(count: number): Promise<readonly VerifiedReceipt[]> {
    while (this.#receipts.length < count) {
      if (this.#failure !== undefined) throw this.#failure
      if (await this.#isSilent()) {
        const missing = count - this.#receipts.length
        throw new ClientError(
          'ERR_TIMEOUT',
          `${missing} receipts are missing, and none came for ${patienceMs / 1000} s`,
        )
      }
    }
    return this.#receipts
  }

  /** Whether nothing comes for as long as one waits. */
  #isSilent(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), patienceMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve(false)
      }
    })
  }
}
