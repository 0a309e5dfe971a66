/** Last millisecond that a Date can express; a time may lie beyond, since others choose it. */
const lastDateMs = 8.64e15

/** A time that somebody else chose, as RFC 3339; undefined when there is none or a Date cannot express it. */
export function timeText(timeMs: number | undefined): string | undefined {
  if (timeMs === undefined || timeMs > lastDateMs) return undefined
  return new Date(timeMs).toISOString()
}

const dateTime =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i

/**
 * Milliseconds since 1970 of a time as RFC 3339 writes it, with three digits of a second at most; undefined: it is none,
 * or a leap second, which our clock does not have.
 */
export function parseTimeText(text: string): number | undefined {
  const [, year, month, day] = dateTime.exec(text) ?? []
  if (year === undefined) return undefined
  // A Date takes 30 February for 2 March.
  const midnight = new Date(`${year}-${month}-${day}T00:00:00Z`)
  return midnight.getUTCDate() === Number(day) ? Date.parse(text.toUpperCase()) : undefined
}
