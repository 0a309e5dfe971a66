const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const two = (value: number) => String(value).padStart(2, '0')
const spaced = (value: number) => String(value).padStart(2, ' ')
const nameOf = (names: readonly string[], index: number) => names[index] ?? ''
const short = (names: readonly string[], index: number) => nameOf(names, index).slice(0, 3)
const hour12 = (date: Date) => date.getHours() % 12 || 12
const dayMs = 86_400_000

/** Days since 1 January of the local year. */
function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  return Math.round((day - Date.UTC(date.getFullYear(), 0, 1)) / dayMs)
}

/** ISO 8601 year and week: the week belongs to the year that has its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 3 - ((date.getDay() + 6) % 7))
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 }
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

function zone(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

/** The conversions of C99 in the C locale, which is the one a service runs in. */
const conversions: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => short(days, date.getDay()),
  A: (date) => nameOf(days, date.getDay()),
  b: (date) => short(months, date.getMonth()),
  B: (date) => nameOf(months, date.getMonth()),
  c: (date) => formatTime('%a %b %e %H:%M:%S %Y', date),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date) => formatTime('%m/%d/%y', date),
  e: (date) => spaced(date.getDate()),
  F: (date) => formatTime('%Y-%m-%d', date),
  g: (date) => two(isoWeek(date).year % 100),
  G: (date) => String(isoWeek(date).year),
  h: (date) => short(months, date.getMonth()),
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  j: (date) => String(dayOfYear(date) + 1).padStart(3, '0'),
  k: (date) => spaced(date.getHours()),
  l: (date) => spaced(hour12(date)),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date) => formatTime('%I:%M:%S %p', date),
  R: (date) => formatTime('%H:%M', date),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  T: (date) => formatTime('%H:%M:%S', date),
  u: (date) => String(date.getDay() || 7),
  U: (date) => two(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  V: (date) => two(isoWeek(date).week),
  w: (date) => String(date.getDay()),
  W: (date) => two(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  x: (date) => formatTime('%m/%d/%y', date),
  X: (date) => formatTime('%H:%M:%S', date),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: offset,
  Z: zone,
  '%': () => '%',
}

/**
 * Writes a time as C's `strftime` does in the C locale and the local time zone. A conversion that C does not have stays
 * as it is written.
 */
export function formatTime(format: string, date: Date): string {
  return format.replace(/%[EO]?([a-zA-Z%])/g, (written: string, letter: string) => {
    return Object.hasOwn(conversions, letter) ? (conversions[letter]?.(date) ?? written) : written
  })
}
