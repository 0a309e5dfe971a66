/** The ready-made broker. */

export { createBroker } from './create-broker.ts'
export { BrokerError, type BrokerErrorCode, brokerErrors } from './errors.ts'
export type { ListenerInfo } from './listeners/listener-info.ts'
export type { NotaryBroker } from './notary-broker.ts'
export {
  type BrokerOptions,
  type ListenerOptions,
  type LogOptions,
  type LogType,
  type ProtectRule,
  resolveOptions,
} from './options.ts'
