export {
  type ErasureOutcome,
  type ErasureRequest,
  type Pins,
  Retention,
  type RetentionOptions,
} from './retention.ts'
export { faultOfRetentionRule, type RetentionRule, retentionText } from './rules.ts'
