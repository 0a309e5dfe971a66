export { AddressPenalties, type AddressPenaltiesOptions } from './address-penalties.ts'
export type { VerificationJob } from './batch.ts'
export { VerificationError, type VerificationErrorCode, verificationErrors } from './errors.ts'
export { defaultFailureBudget, FailureBudget } from './failure-budget.ts'
export {
  type VerificationCounters,
  type VerificationDone,
  VerificationQueue,
  type VerificationQueueOptions,
} from './verification-queue.ts'
