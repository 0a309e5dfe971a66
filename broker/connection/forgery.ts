import type { RefusalCause } from '../../protocol/index.ts'

/** Nobody who means well sends such a thing again and again: it counts on the budget of its connection. */
export function isForgery(cause: RefusalCause): boolean {
  return cause === 'mac-invalid' || cause === 'signature-invalid'
}
