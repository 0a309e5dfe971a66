import assert from 'node:assert/strict'
import { NoteError, type NoteErrorCode } from '../../protocol/index.ts'

/** Asserts that `run` throws a NoteError of this code, and returns it. */
export function throwsNoteCode(run: () => unknown, code: NoteErrorCode, message?: string): NoteError {
  const error = noteErrorOf(run)
  assert.equal(error?.code, code, message)
  return error as NoteError
}

/** What `run` throws, or undefined when it returns. Anything but a NoteError passes through. */
export function noteErrorOf(run: () => unknown): NoteError | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof NoteError) return error
    throw error
  }
}
