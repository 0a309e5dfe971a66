/** What a reader of an error code needs: when it happens and what to do about it. */
export interface ErrorExplanation {
  readonly cause: string
  readonly remedy: string
}

/** Context that may be shown to anyone who may read our log: indexes, client ids, topics; never payloads or keys. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | undefined>>

/**
 * An error that callers tell apart by `code`, never by text. Each area derives its own class with its own union of codes.
 */
export class CodedError<Code extends string> extends Error {
  readonly code: Code
  readonly details: ErrorDetails

  constructor(code: Code, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
    this.details = details
  }
}
