import { type AdminErrorCause, adminErrors, type JsonRpcFailure, type NotYetCovered } from '../../protocol/index.ts'

/** Ends a request with one of the stable errors of the admin topic. */
export class AdminError extends Error {
  readonly adminCause: AdminErrorCause
  readonly #data: NotYetCovered | undefined

  /**
   * @param detail added to the fixed message of the cause; shown to the requester
   * @param data what a program needs to know beside the cause
   */
  constructor(cause: AdminErrorCause, detail?: string, data?: NotYetCovered) {
    super(detail === undefined ? adminErrors[cause].message : `${adminErrors[cause].message}: ${detail}`)
    this.name = 'AdminError'
    this.adminCause = cause
    this.#data = data
  }

  toResponse(id: string | number | null): JsonRpcFailure {
    const { code } = adminErrors[this.adminCause]
    return {
      jsonrpc: '2.0',
      id,
      error: { code, message: this.message, data: { cause: this.adminCause, ...this.#data } },
    }
  }
}
