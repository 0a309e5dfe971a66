/** Why the broker takes no publishes at the moment. */
export const notReadyReasons = ['store-outage', 'disk-full', 'closing'] as const
export type NotReadyReason = (typeof notReadyReasons)[number]

/** What readiness depends on, at this moment. */
export interface ReadinessSource {
  /** The store takes no writes. */
  readonly isOutage: boolean
  /** Less is free than `notary_min_free`. */
  readonly isDiskFull: boolean
  readonly isClosing: boolean
}

/** @returns every reason that holds; none: ready */
export function reasonsAgainst({ isOutage, isDiskFull, isClosing }: ReadinessSource): readonly NotReadyReason[] {
  const holds = { 'store-outage': isOutage, 'disk-full': isDiskFull, closing: isClosing }
  return notReadyReasons.filter((reason) => holds[reason])
}
