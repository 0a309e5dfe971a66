import { isIPv6 } from 'node:net'

/** Open connections by client address, for all listeners of a broker together. */
export class AddressCounts {
  readonly #most: () => number
  readonly #counts = new Map<string, number>()

  /** @param most connections per address, as it is now; 0 is unlimited */
  constructor(most: () => number) {
    this.#most = most
  }

  /** Counts a connection unless its address has as many as it may. @returns whether it was counted */
  enter(address: string): boolean {
    const key = addressKey(address)
    const count = this.#counts.get(key) ?? 0
    const most = this.#most()
    if (most > 0 && count >= most) return false
    this.#counts.set(key, count + 1)
    return true
  }

  /** A connection that was counted has closed. */
  leave(address: string): void {
    const key = addressKey(address)
    const count = this.#counts.get(key) ?? 0
    if (count > 1) this.#counts.set(key, count - 1)
    else this.#counts.delete(key)
  }
}

/** An IPv4 client of a socket for both families comes from `::ffff:192.0.2.1`: the address alone. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice('::ffff:'.length) : address
}

/**
 * What one client cannot vary: an IPv4 address, or the first 64 bits of an IPv6 address, of which every host in a
 * network has all the others to itself (RFC 4291 section 2.5.1).
 */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address
  const [withoutZone = ''] = address.split('%')
  const [head = '', tail] = withoutZone.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    // An IPv4 tail is two groups in one; it is behind the first four either way.
    const missing = 8 - groups.length - after.length - (tail.includes('.') ? 1 : 0)
    groups.push(...Array.from({ length: Math.max(missing, 0) }, () => '0'), ...after)
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
