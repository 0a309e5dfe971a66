/** What a failure says of itself. Node reports a host with several addresses as an AggregateError without a text. */
export function failureText(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return failureText(cause.errors[0])
  return cause instanceof Error ? cause.message : String(cause)
}
