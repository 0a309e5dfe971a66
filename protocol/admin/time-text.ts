/** Last millisecond that a Date can express; a time may lie beyond, since others choose it. */
const lastDateMs = 8.64e15

/** A time that somebody else chose, as RFC 3339; undefined when there is none or a Date cannot express it. */
export function timeText(timeMs: number | undefined): string | undefined {
  if (timeMs === undefined || timeMs > lastDateMs) return undefined
  return new Date(timeMs).toISOString()
}
