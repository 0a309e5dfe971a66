export { DiskForecast, type DiskForecastOptions, type DiskReading } from './disk-forecast.ts'
export {
  type ErasedTotals,
  type ErasureOutcome,
  type ErasureRequest,
  type Pins,
  Retention,
  type RetentionOptions,
} from './retention.ts'
export { faultOfRetentionRule, type RetentionRule, retentionText } from './rules.ts'
