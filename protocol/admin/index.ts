export {
  type AdminErrorCause,
  adminErrors,
  type JsonRpcFailure,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcSuccess,
} from './json-rpc.ts'
export {
  type AdminMethod,
  type AdminMethods,
  type AuditGapsParams,
  type AuditGapsResult,
  type AuditProgress,
  type AuditQueryParams,
  type AuditQueryResult,
  type AuditStatus,
  type AuditVerifyParams,
  type AuditVerifyResult,
  type EnrollParams,
  type Includable,
  includable,
  type KeyJson,
  type SeqRange,
} from './methods.ts'
export { type RecordJson, type RecordSource, recordToJson } from './record-json.ts'
