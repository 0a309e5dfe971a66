import type { AdminMethod, AdminMethods, JsonRpcRequest, JsonRpcResponse, Requester } from '../../protocol/index.ts'
import { type AuditChain, ErasureMarks } from '../audit-chain/index.ts'
import { PluginError, type PluginErrorCode } from '../errors.ts'
import type { QueryIndex } from '../query-index/index.ts'
import type { Retention } from '../retention/index.ts'
import type { Witnesses } from '../witnesses/index.ts'
import { BackupMethod, type BackupPlace } from './backup-method.ts'
import { cosign } from './cosign.ts'
import { readErasure, runErasure } from './erase.ts'
import { AdminError } from './errors.ts'
import { findGaps, readGapQuery } from './gaps.ts'
import { KeyMethods } from './key-methods.ts'
import { ParamReader, type RawParams } from './params.ts'
import { readQuery, runQuery } from './query.ts'
import { type CheckpointSource, ReceiptMethods } from './receipt-methods.ts'
import { erasureOf, readRecord, storedRecordToJson } from './records.ts'
import { type AdminRights, maySee, ownerLimit } from './rights.ts'
import { type StatusSource, status } from './status.ts'
import { type RequestLine, VerifyMethod, type VerifySources } from './verify-method.ts'

export interface AdminServiceOptions extends StatusSource {
  readonly chain: AuditChain
  /** Absent: nothing can be erased. */
  readonly retention?: Retention
  /** Absent: no backups are made. */
  readonly backup?: BackupPlace
  /** What receipts are given for. Default: nothing; there are none then. */
  readonly checkpoints?: CheckpointSource
  /** What `audit.verify` holds against the chain beside its head and checkpoints. Absent: nothing. */
  readonly verifySources?: VerifySources
  /** Who cosigns the checkpoints of the chain. Absent: nobody. */
  readonly witnesses?: Pick<Witnesses, 'accept' | 'status'>
  /** Finds records faster; without one the answers are the same. */
  readonly index?: QueryIndex
}

/** Requests answered at a time; each may read the whole chain. */
const maxConcurrent = 8
/** Of those who are no administrators, so that there is room for these. */
const maxOwnConcurrent = 4
/** Largest request; none of the methods needs as much. */
const maxRequestBytes = 64 * 1024

/** What is known of a connection that asks. */
type RequestConnection = Omit<RequestLine, 'id'>

type Handlers = {
  readonly [M in AdminMethod]: (
    params: ParamReader,
    requester: Requester,
    rights: AdminRights,
    line: RequestLine,
  ) => Promise<AdminMethods[M]['result']>
}

/** Methods that everybody may use for records of its own. */
const ownMethods: readonly string[] = ['audit.query', 'audit.record'] satisfies AdminMethod[]
/** Who is no administrator may call these: proofs reveal nothing of records, and receipts are given for one's own. */
const openMethods: readonly string[] = [
  'audit.checkpoint',
  'audit.consistency',
  'audit.cosign',
  'audit.receipt',
] satisfies AdminMethod[]
/** Requests of that kind at a time. They are short, but for receipts that wait for a checkpoint. */
const maxConcurrentOpen = 256

/** JSON-RPC 2.0 over the chain and the key registry. Knows nothing of MQTT: the caller says what a requester may. */
export class AdminService {
  readonly #options: AdminServiceOptions
  readonly #handlers: Handlers
  readonly #marks: ErasureMarks
  #running = 0
  #ownRunning = 0
  #runningOpen = 0

  constructor(options: AdminServiceOptions) {
    this.#options = options
    this.#marks = new ErasureMarks(options.chain.database, options.chain.store)
    const keys = new KeyMethods(options.chain)
    const verify = new VerifyMethod(options.chain, options.checkpoints, options.verifySources)
    const backup = new BackupMethod(options.chain, options.backup)
    const receipts = new ReceiptMethods(options.chain, options.checkpoints)
    this.#handlers = {
      'audit.status': (params) => status(params, options),
      'audit.query': (params, requester, rights) => this.#query(params, requester, rights),
      'audit.record': (params, requester, rights) => this.#record(params, requester, rights),
      'audit.block': (params) => receipts.block(params),
      'audit.checkpoint': (params) => receipts.checkpoint(params),
      'audit.receipt': (params, requester, rights) => receipts.receipt(params, requester, rights),
      'audit.consistency': (params) => receipts.consistency(params),
      'audit.verify': (params, _requester, _rights, line) => verify.run(params, line),
      'audit.backup': (params, _requester, _rights, line) => backup.run(params, line),
      'audit.erase': (params, requester) => this.#erase(params, requester),
      'audit.gaps': (params) => this.#gaps(params),
      'audit.cosign': (params) => cosign(params, options.witnesses),
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
   * @param connection on which it was asked: who is gone needs no answer that takes long
   */
  async answer(
    payload: Uint8Array,
    requester: Requester,
    rights: AdminRights,
    onInternalError: (error: unknown) => void,
    connection: RequestConnection = {},
  ): Promise<JsonRpcResponse> {
    let id: string | number | null = null
    try {
      const request = parseRequest(payload)
      id = request.id
      const isOpen = openMethods.includes(request.method) || ownMethods.includes(request.method)
      if (!rights.isAdministrator && !isOpen) throw new AdminError('not-authorized')
      return { jsonrpc: '2.0', id: request.id, result: await this.#run(request, requester, rights, connection) }
    } catch (error) {
      const known = toAdminError(error)
      if (known === undefined) onInternalError(error)
      return (known ?? new AdminError('internal-error')).toResponse(id)
    }
  }

  async #run(
    request: JsonRpcRequest,
    requester: Requester,
    rights: AdminRights,
    connection: RequestConnection,
  ): Promise<unknown> {
    if (!Object.hasOwn(this.#handlers, request.method)) throw new AdminError('method-not-found')
    const leave = openMethods.includes(request.method) ? this.#enterOpen() : this.#enterReading(rights)
    try {
      const handler = this.#handlers[request.method as AdminMethod]
      const line = { id: request.id, ...connection }
      return await handler(new ParamReader(request.params ?? {}), requester, rights, line)
    } finally {
      leave()
    }
  }

  /** @returns leaves again @throws {AdminError} too-busy */
  #enterOpen(): () => void {
    if (this.#runningOpen >= maxConcurrentOpen) throw new AdminError('too-busy')
    this.#runningOpen++
    return () => this.#runningOpen--
  }

  /** For what may read the whole chain. @returns leaves again @throws {AdminError} too-busy */
  #enterReading({ isAdministrator }: AdminRights): () => void {
    const own = isAdministrator ? 0 : 1
    if (this.#running >= maxConcurrent || this.#ownRunning + own > maxOwnConcurrent) throw new AdminError('too-busy')
    this.#running++
    this.#ownRunning += own
    return () => {
      this.#running--
      this.#ownRunning -= own
    }
  }

  async #query(
    params: ParamReader,
    requester: Requester,
    rights: AdminRights,
  ): Promise<AdminMethods['audit.query']['result']> {
    const owner = ownerLimit(requester, rights)
    const query = readQuery(params)
    params.end()
    return runQuery(this.#options, query, owner, rights)
  }

  async #record(
    params: ParamReader,
    requester: Requester,
    rights: AdminRights,
  ): Promise<AdminMethods['audit.record']['result']> {
    const owner = ownerLimit(requester, rights)
    const index = params.index('index')
    const include = params.include()
    params.end()
    const { chain } = this.#options
    const found = await readRecord(chain, index)
    if (!maySee(found.record, owner, rights)) throw new AdminError('not-found', 'none that you may read')
    const json = storedRecordToJson(chain, found, include)
    // Its reason may be about somebody else.
    return rights.isAdministrator ? { ...json, ...(await erasureOf(chain, this.#marks, json)) } : json
  }

  #erase(params: ParamReader, requester: Requester): Promise<AdminMethods['audit.erase']['result']> {
    const { retention } = this.#options
    if (retention === undefined) throw new AdminError('method-not-found')
    return runErasure(retention, readErasure(params), requester)
  }

  #gaps(params: ParamReader): Promise<AdminMethods['audit.gaps']['result']> {
    const query = readGapQuery(params)
    params.end()
    return findGaps(this.#options, query)
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
  ERR_VERIFY_STOPPED: 'stopped',
} as const satisfies Partial<Record<PluginErrorCode, AdminError['adminCause']>>

function toAdminError(error: unknown): AdminError | undefined {
  if (error instanceof AdminError) return error
  if (!(error instanceof PluginError) || !Object.hasOwn(tellable, error.code)) return undefined
  return new AdminError(tellable[error.code as keyof typeof tellable], error.message)
}
