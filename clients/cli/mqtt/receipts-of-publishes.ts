import { ClientError } from '../../errors.ts'
import type { NotaryClient, VerifiedReceipt } from '../../sdk/index.ts'

/** A checkpoint comes every second where nobody set another interval, and its witnesses may take their time. */
const patienceMs = 60_000

/** Waits for a receipt of every message that a client published and that was acknowledged. */
export class ReceiptsOfPublishes {
  readonly #receipts: VerifiedReceipt[] = []
  #expected = 0
  #failure: unknown
  #wake: () => void = () => {}

  /** From now on publishes and receipts are counted. */
  constructor(client: NotaryClient) {
    client.on('packetreceive', (packet) => {
      const isLast = packet.cmd === 'puback' || packet.cmd === 'pubcomp'
      if (isLast && (packet.reasonCode ?? 0) < 0x80) this.#expected++
    })
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
   * @returns in the order in which they came, verified
   * @throws {ClientError} ERR_TIMEOUT, ERR_RECEIPT_INVALID, ERR_EQUIVOCATION, ERR_CONNECTION
   */
  async all(): Promise<readonly VerifiedReceipt[]> {
    const deadline = Date.now() + patienceMs
    while (this.#receipts.length < this.#expected) {
      if (this.#failure !== undefined) throw this.#failure
      const leftMs = deadline - Date.now()
      if (leftMs <= 0) {
        const missing = this.#expected - this.#receipts.length
        throw new ClientError('ERR_TIMEOUT', `${missing} receipts did not come within ${patienceMs / 1000} s`)
      }
      await this.#somethingOr(leftMs)
    }
    return this.#receipts
  }

  #somethingOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
