import type { Unit } from './rows.ts'

const whole = (value: number) => Math.round(value).toLocaleString('en-US')
const decimals = (count: number) => (value: number) =>
  value.toLocaleString('en-US', { minimumFractionDigits: count, maximumFractionDigits: count })

export const formatters: Record<Unit, (value: number) => string> = {
  'per second': whole,
  // A latency of 0.08 ms and a subscription of 900 ms stand in the same column.
  ms: (value) => (Math.abs(value) < 10 ? decimals(3)(value) : decimals(1)(value)),
  kB: decimals(1),
}

export function formatFigure(value: number | undefined, unit: Unit): string {
  return value === undefined ? 'unknown' : formatters[unit](value)
}
export const formatWhole = whole
export const formatHundredths = decimals(2)
export const formatPercent = (value: number) => `${Math.round(value * 100)} %`
