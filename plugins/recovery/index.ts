export { type ChainVerdict, type Examination, examineChain } from './examine.ts'
export { finishRecovery, type NewLog, type NewLogOptions, openNewLog } from './open-new-log.ts'
