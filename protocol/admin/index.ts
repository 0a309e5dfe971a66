export {
  type AdminErrorCause,
  adminErrors,
  type JsonRpcFailure,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcSuccess,
} from './json-rpc.ts'
export {
  type AdminMethod,
  type AdminMethods,
  type AuditEraseParams,
  type AuditEraseResult,
  type AuditGapsParams,
  type AuditGapsResult,
  type AuditQueryParams,
  type AuditQueryResult,
  type AuditStatus,
  type AuditVerifyResult,
  type EnrollParams,
  type Includable,
  includable,
  type KeyJson,
  type QueryOrder,
  queryOrders,
  type ScrubJson,
  type SeqRange,
  type WitnessesJson,
  type WitnessJson,
} from './methods.ts'
export { erasedRecordToJson, type RecordJson, type RecordSource, recordToJson } from './record-json.ts'
export { parseTimeText, timeText } from './time-text.ts'
