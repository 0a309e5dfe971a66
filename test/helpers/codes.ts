import assert from 'node:assert/strict'
import { ProtocolError, type ProtocolErrorCode } from '../../protocol/index.ts'

/** Asserts that `run` throws a ProtocolError of this code. */
export function throwsCode(run: () => unknown, code: ProtocolErrorCode, message?: string): void {
  let result: unknown
  try {
    result = run()
  } catch (error) {
    hasCode(error, code, message)
    return
  }
  assert.fail(`${message ?? 'call'}: expected ${code}, got ${String(result)}`)
}

/** Asserts that the promise is rejected with a ProtocolError of this code. */
export async function rejectsCode(promise: Promise<unknown>, code: ProtocolErrorCode, message?: string): Promise<void> {
  let result: unknown
  try {
    result = await promise
  } catch (error) {
    hasCode(error, code, message)
    return
  }
  assert.fail(`${message ?? 'promise'}: expected ${code}, got ${String(result)}`)
}

/** The code of what `run` throws, or undefined when it returns. Anything but a ProtocolError passes through. */
export function codeOf(run: () => unknown): ProtocolErrorCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
}

function hasCode(error: unknown, code: ProtocolErrorCode, message: string | undefined): void {
  if (!(error instanceof ProtocolError)) throw error
  assert.equal(error.code, code, message)
}
