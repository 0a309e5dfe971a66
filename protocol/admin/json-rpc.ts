import type { AuditProgress } from './methods.ts'

/** JSON-RPC 2.0 request as the admin topic takes it: no batches, no notifications. */
export interface JsonRpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: string | number
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** What a requester is told before its answer: it has no id of its own. */
export interface JsonRpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: 'audit.progress'
  readonly params: AuditProgress
}

export interface JsonRpcSuccess {
  readonly jsonrpc: '2.0'
  readonly id: string | number
  readonly result: unknown
}

export interface JsonRpcFailure {
  readonly jsonrpc: '2.0'
  readonly id: string | number | null
  readonly error: {
    readonly code: number
    readonly message: string
    readonly data?: { readonly cause: AdminErrorCause } & Partial<NotYetCovered>
  }
}

/** What `not-yet-covered` tells beyond its cause. */
export interface NotYetCovered {
  /** Of the newest checkpoint; 0 while there is none. */
  readonly treeSize: number
  /** When it is worth asking again: the time between two checkpoints, in milliseconds. */
  readonly retryAfterMs: number
}

export type JsonRpcResponse = JsonRpcSuccess | JsonRpcFailure

/** Stable error codes: those of JSON-RPC 2.0 section 5.1, and ours from -32000 down. */
export const adminErrors = {
  'parse-error': { code: -32700, message: 'not JSON' },
  'invalid-request': { code: -32600, message: 'not a JSON-RPC 2.0 request' },
  'method-not-found': { code: -32601, message: 'no such method' },
  'invalid-params': { code: -32602, message: 'parameters do not fit the method' },
  'internal-error': { code: -32603, message: 'the broker could not answer; its log says why' },
  'not-authorized': { code: -32000, message: 'administrators only' },
  'not-found': { code: -32001, message: 'there is no such record or key' },
  'key-exists': { code: -32002, message: 'this key was enrolled before, under another name or since revoked' },
  'name-taken': { code: -32003, message: 'another key has this name; a name is given once per log' },
  'kid-collision': { code: -32004, message: 'an enrolled key has the same first 8 bytes of thumbprint' },
  'kid-ambiguous': { code: -32005, message: 'more than one key has this prefix' },
  'key-revoked': { code: -32008, message: 'the key is revoked, and that cannot be undone' },
  'cursor-invalid': { code: -32006, message: 'the cursor does not belong to this query' },
  'not-yet-covered': { code: -32009, message: 'no checkpoint covers it yet' },
  'too-busy': { code: -32007, message: 'too many requests are being answered; try again' },
  stopped: { code: -32010, message: 'it was stopped before it had an answer; ask again' },
  'no-room': { code: -32011, message: 'the disk has no room for it' },
} as const

export type AdminErrorCause = keyof typeof adminErrors
