import {
  type AdminMethod,
  type AdminMethods,
  type AuditStatus,
  type JsonRpcRequest,
  type JsonRpcResponse,
  p256ToJwk,
  type Requester,
  toBase64url,
} from '../../protocol/index.ts'
import { type AuditChain, verifyStore } from '../audit-chain/index.ts'
import type { PublishCounters } from '../authorize-publish/index.ts'
import { PluginError, type PluginErrorCode } from '../errors.ts'
import { AdminError } from './errors.ts'
import { findGaps, readGapQuery } from './gaps.ts'
import { KeyMethods } from './key-methods.ts'
import { ParamReader, type RawParams } from './params.ts'
import { readQuery, runQuery } from './query.ts'
import { type CheckpointSource, ReceiptMethods } from './receipt-methods.ts'
import { recordJson } from './records.ts'

export interface AdminServiceOptions {
  readonly chain: AuditChain
  readonly counters: PublishCounters
  /** What receipts are given for. Default: nothing; there are none then. */
  readonly checkpoints?: CheckpointSource
  /** Start of the broker, milliseconds since 1970. */
  readonly sinceMs: number
}

/** Requests answered at a time; each may read the whole chain. */
const maxConcurrent = 8
/** Largest request; none of the methods needs as much. */
const maxRequestBytes = 64 * 1024

type Handlers = {
  readonly [M in AdminMethod]: (
    params: ParamReader,
    requester: Requester,
    isAdministrator: boolean,
  ) => Promise<AdminMethods[M]['result']>
}

/** Who is no administrator may call these: proofs reveal nothing of records, and receipts are given for one's own. */
const openMethods: ReadonlySet<string> = new Set<AdminMethod>([
  'audit.checkpoint',
  'audit.consistency',
  'audit.receipt',
])
/** Requests of that kind at a time. They are short, but for receipts that wait for a checkpoint. */
const maxConcurrentOpen = 256

/** JSON-RPC 2.0 over the chain and the key registry. Knows nothing of MQTT: the caller decides who may ask. */
export class AdminService {
  readonly #options: AdminServiceOptions
  readonly #handlers: Handlers
  #running = 0
  #runningOpen = 0

  constructor(options: AdminServiceOptions) {
    this.#options = options
    const keys = new KeyMethods(options.chain)
    const receipts = new ReceiptMethods(options.chain, options.checkpoints)
    this.#handlers = {
      'audit.status': (params) => this.#status(params),
      'audit.query': (params) => this.#query(params),
      'audit.record': (params) => this.#record(params),
      'audit.block': (params) => receipts.block(params),
      'audit.checkpoint': (params) => receipts.checkpoint(params),
      'audit.receipt': (...request) => receipts.receipt(...request),
      'audit.consistency': (params) => receipts.consistency(params),
      'audit.verify': (params) => this.#verify(params),
      'audit.gaps': (params) => this.#gaps(params),
      'keys.list': (params) => keys.list(params),
      'keys.get': (params) => keys.get(params),
      'keys.enroll': (params, requester) => keys.enroll(params, requester),
      'keys.revoke': (params, requester) => keys.revoke(params, requester),
      'keys.restrict': (params, requester) => keys.restrict(params, requester),
      'keys.retire': (params, requester) => keys.retire(params, requester),
    }
  }

  /**
   * Answers one request. Never rejects: whatever goes wrong is an answer.
   * @param payload bytes of the request as published
   * @param onInternalError told of errors that are ours; the requester learns only that there was one
   */
  async answer(
    payload: Uint8Array,
    requester: Requester,
    isAdministrator: boolean,
    onInternalError: (error: unknown) => void,
  ): Promise<JsonRpcResponse> {
    let id: string | number | null = null
    try {
      const request = parseRequest(payload)
      id = request.id
      if (!isAdministrator && !openMethods.has(request.method)) throw new AdminError('not-authorized')
      return { jsonrpc: '2.0', id: request.id, result: await this.#run(request, requester, isAdministrator) }
    } catch (error) {
      const known = toAdminError(error)
      if (known === undefined) onInternalError(error)
      return (known ?? new AdminError('internal-error')).toResponse(id)
    }
  }

  async #run(request: JsonRpcRequest, requester: Requester, isAdministrator: boolean): Promise<unknown> {
    if (!Object.hasOwn(this.#handlers, request.method)) throw new AdminError('method-not-found')
    const isOpen = openMethods.has(request.method)
    if (isOpen ? this.#runningOpen >= maxConcurrentOpen : this.#running >= maxConcurrent)
      throw new AdminError('too-busy')
    if (isOpen) this.#runningOpen++
    else this.#running++
    try {
      const handler = this.#handlers[request.method as AdminMethod]
      return await handler(new ParamReader(request.params ?? {}), requester, isAdministrator)
    } finally {
      if (isOpen) this.#runningOpen--
      else this.#running--
    }
  }

  async #status(params: ParamReader): Promise<AuditStatus> {
    params.end()
    const { chain, counters, sinceMs, checkpoints } = this.#options
    const { state, genesis } = chain
    return {
      treeSize: state.frontier.size,
      blocks: state.height,
      rootHash: toBase64url(state.frontier.root()),
      chainHead: toBase64url(state.previousHash),
      checkpoint: checkpoints?.newest?.note ?? null,
      logVkey: chain.logVkey,
      brokerKey: p256ToJwk(chain.brokerKey),
      brokerKid: toBase64url(chain.brokerThumbprint),
      origin: genesis.origin,
      accepted: counters.accepted,
      refused: counters.refused,
      since: new Date(sinceMs).toISOString(),
    }
  }

  #query(params: ParamReader): Promise<AdminMethods['audit.query']['result']> {
    const query = readQuery(params)
    params.end()
    return runQuery(this.#options.chain, query)
  }

  #record(params: ParamReader): Promise<AdminMethods['audit.record']['result']> {
    const index = params.index('index')
    const include = params.include()
    params.end()
    return recordJson(this.#options.chain, index, include)
  }

  #verify(params: ParamReader): Promise<AdminMethods['audit.verify']['result']> {
    const fromIndex = params.optionalIndex('fromIndex')
    const toIndex = params.optionalIndex('toIndex')
    params.end()
    const { store, genesis } = this.#options.chain
    return verifyStore({
      store,
      brokerKey: genesis.brokerKey,
      ...(fromIndex === undefined ? undefined : { fromIndex }),
      ...(toIndex === undefined ? undefined : { toIndex }),
    })
  }

  #gaps(params: ParamReader): Promise<AdminMethods['audit.gaps']['result']> {
    const query = readGapQuery(params)
    params.end()
    return findGaps(this.#options.chain, query)
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

function parseRequest(payload: Uint8Array): JsonRpcRequest {
  if (payload.length > maxRequestBytes) throw new AdminError('invalid-request', `longer than ${maxRequestBytes} bytes`)
  let value: unknown
  try {
    value = JSON.parse(strictUtf8.decode(payload))
  } catch {
    throw new AdminError('parse-error')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AdminError('invalid-request')
  const { jsonrpc, id, method, params } = value as Record<string, unknown>
  if (jsonrpc !== '2.0' || typeof method !== 'string') throw new AdminError('invalid-request')
  if (typeof id !== 'string' && typeof id !== 'number') throw new AdminError('invalid-request', 'an id is needed')
  if (params === undefined) return { jsonrpc, id, method }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw new AdminError('invalid-request', 'parameters are given by name')
  }
  return { jsonrpc, id, method, params: params as RawParams }
}

/** Errors of the registry that the requester may know. */
const tellable = {
  ERR_KEY_EXISTS: 'key-exists',
  ERR_KEY_NAME_TAKEN: 'name-taken',
  ERR_KEY_KID_COLLISION: 'kid-collision',
  ERR_KEY_NOT_FOUND: 'not-found',
  ERR_KEY_AMBIGUOUS: 'kid-ambiguous',
  ERR_KEY_NAME_INVALID: 'invalid-params',
  ERR_KEY_RESERVED: 'invalid-params',
  ERR_KEY_RESTRICTIONS: 'invalid-params',
  ERR_KEY_PROOF: 'invalid-params',
  ERR_KEY_REVOKED: 'key-revoked',
} as const satisfies Partial<Record<PluginErrorCode, AdminError['adminCause']>>

function toAdminError(error: unknown): AdminError | undefined {
  if (error instanceof AdminError) return error
  if (!(error instanceof PluginError) || !Object.hasOwn(tellable, error.code)) return undefined
  return new AdminError(tellable[error.code as keyof typeof tellable], error.message)
}
