/** Whether a listener has TLS, by its name in a record; bridges are named otherwise. */
export function isTlsListener(name: string): boolean {
  return name.startsWith('mqtts://') || name.startsWith('wss://') || name.startsWith('links://')
}

/** What may be spoken on a listener. */
export const listenerProtocols = ['mqtt', 'websockets', 'notary-link'] as const

export type ListenerProtocol = (typeof listenerProtocols)[number]

/** The socket that a connection came in by. */
export interface ListenerInfo {
  /** e.g. `mqtt://127.0.0.1:1883`, as records name it; the schemes are mqtt, mqtts, ws, wss, link and links. */
  readonly name: string
  readonly port: number
  readonly protocol: ListenerProtocol
  readonly isTls: boolean
  /** Bound explicitly to a loopback address. */
  readonly isLoopback: boolean
}
