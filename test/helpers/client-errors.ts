import assert from 'node:assert/strict'
import { ClientError, type ClientErrorCode } from '../../clients/errors.ts'

/** Asserts that `run` throws a ClientError of this code. */
export function throwsClientCode(run: () => unknown, code: ClientErrorCode, message?: string): void {
  assert.throws(run, (error) => error instanceof ClientError && error.code === code, message)
}
