export type { KeptCheckpoint } from './checkpoint-check.ts'
export type { RecordReference } from './references.ts'
export { type VerifyProgress, type VerifyStoreOptions, verifyStore } from './verify-store.ts'
