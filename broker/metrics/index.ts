/** Counts of the broker, and how Prometheus reads them. */
export { BrokerCounters, type BrokerCounts } from './broker-counters.ts'
export {
  type ChainReading,
  createMetrics,
  type ListenerReading,
  type Metrics,
  type MetricsSource,
  type PublishReading,
  type RequestReading,
  type ScrubReading,
  type TrustReading,
} from './create-metrics.ts'
