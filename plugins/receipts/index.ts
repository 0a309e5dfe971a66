export { type ReceiptOwner, ReceiptPush, type ReceiptPushOptions } from './receipt-push.ts'
export type { ReceiptQueue } from './receipt-queue.ts'
export { receiptsOf } from './record-receipts.ts'
