export {
  type AdminErrorCause,
  adminErrors,
  type JsonRpcFailure,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcSuccess,
  type NotYetCovered,
} from './json-rpc.ts'
export {
  type AdminMethod,
  type AdminMethods,
  type AuditBlockResult,
  type AuditCheckpointResult,
  type AuditConsistencyResult,
  type AuditGapsParams,
  type AuditGapsResult,
  type AuditQueryParams,
  type AuditQueryResult,
  type AuditReceiptResult,
  type AuditStatus,
  type AuditVerifyResult,
  type EnrollParams,
  type Includable,
  includable,
  type KeyJson,
  type SeqRange,
} from './methods.ts'
export type { DroppedReceipts, PushedReceipt, ReceiptJson } from './receipt-json.ts'
export { type RecordJson, type RecordSource, recordToJson } from './record-json.ts'
