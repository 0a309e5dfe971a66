import { ClientError, type ClientErrorCode } from '../../clients/errors.ts'

/** For `assert.throws` and `assert.rejects`: an error of `clients/` with this code. */
export function isClientError(code: ClientErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof ClientError && error.code === code
}
