import type { ListenerOptions, ResolvedBrokerOptions } from './options.ts'

/** What a restart alone changes, beside which listeners there are. */
const fixedAtStart = [
  'location',
  'persistence',
  'origin',
  'anchors',
  'witnesses',
  'witnessQuorum',
  'bridges',
  'httpListeners',
  'logListeners',
  'logExport',
  'backupDirectory',
  'pidFile',
  'user',
] as const satisfies readonly (keyof ResolvedBrokerOptions)[]

/**
 * What holds when a broker that runs with some options is told others: these, but for what only a restart can change.
 * @returns with the listeners of before, in their places. A listener is known by protocol, port and address: one that the
 *   other options do not have goes on as it was, one that they have on top is not opened
 */
export function reloadedOptions(now: ResolvedBrokerOptions, next: ResolvedBrokerOptions): ResolvedBrokerOptions {
  const fixed = Object.fromEntries(fixedAtStart.map((name) => [name, now[name]]))
  const left = [...next.listeners]
  const listeners = now.listeners.map((listener) => {
    const at = left.findIndex((other) => isSameSocket(listener, other))
    const [found] = at < 0 ? [] : left.splice(at, 1)
    return found === undefined ? listener : reloadedListener(listener, found)
  })
  return Object.freeze({ ...next, ...fixed, listeners })
}

function isSameSocket(one: ListenerOptions, other: ListenerOptions): boolean {
  return one.port === other.port && one.host === other.host && one.protocol === other.protocol
}

/** TLS is neither begun nor ended: the listener would have another name in the records. */
function reloadedListener(now: ListenerOptions, next: ListenerOptions): ListenerOptions {
  const { tls: nextTls, ...rest } = next
  const tls = now.tls === undefined ? undefined : (nextTls ?? now.tls)
  return { ...rest, ...(tls === undefined ? undefined : { tls }) }
}
