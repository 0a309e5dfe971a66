/** An error for the log: code and message, with what caused it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? `${error.code}: ` : ''
  const cause = error.cause === undefined ? '' : ` (${describe(error.cause)})`
  return `${code}${error.message}${cause}`
}
