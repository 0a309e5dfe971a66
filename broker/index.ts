/** The ready-made broker. */
export type { ListenerInfo } from './connections.ts'
export { createBroker, type NotaryBroker } from './create-broker.ts'
export { BrokerError, type BrokerErrorCode, brokerErrors } from './errors.ts'
export {
  type BrokerOptions,
  type ListenerOptions,
  type LogOptions,
  type LogType,
  type ProtectRule,
  resolveOptions,
} from './options.ts'
