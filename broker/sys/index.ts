/** What the broker publishes about itself below `$SYS/broker/`. */
export type { BrokerSnapshot, BrokerState } from './broker-snapshot.ts'
export { type PublishSysValue, SysPublisher, type SysPublisherOptions, sysPrefix } from './sys-publisher.ts'
