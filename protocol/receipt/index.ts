export {
  type ConsistencyReceipt,
  consistencyReceipt,
  isConsistencyReceiptValid,
  parseConsistencyReceipt,
} from './consistency.ts'
export { type InclusionReceipt, inclusionReceipt, isInclusionReceiptValid, parseInclusionReceipt } from './inclusion.ts'
export { type ReceiptTree, type ReceiptTrust, type SignedRoot, signRoot } from './receipt-form.ts'
export {
  attachReceipts,
  isTransparentPublishValid,
  type LoggedPublish,
  type TakenStatement,
  takeReceipts,
} from './transparent-statement.ts'
