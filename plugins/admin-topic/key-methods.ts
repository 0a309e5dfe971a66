import {
  type AdminMethods,
  type KeyJson,
  maxProofBytes,
  type P256PublicKey,
  ProtocolError,
  p256FromJwk,
  p256ToJwk,
  type RegisteredKey,
  type Requester,
  toBase64url,
  withoutUndefined,
} from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { findKey, parsePublicKeyText, parseRestrictions } from '../key-registry/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'

type Result<M extends keyof AdminMethods> = Promise<AdminMethods[M]['result']>

/** Records for which a key may stay valid beside the one that replaces it. */
const maxOverlap = Number.MAX_SAFE_INTEGER / 2

/** The `keys.` methods: what changes the registry is a record with its requester. */
export class KeyMethods {
  readonly #chain: AuditChain

  constructor(chain: AuditChain) {
    this.#chain = chain
  }

  async list(params: ParamReader): Result<'keys.list'> {
    params.end()
    return { keys: this.#chain.registry.list().map((key) => this.#json(key)) }
  }

  async get(params: ParamReader): Result<'keys.get'> {
    const kid = kidOf(params)
    params.end()
    return this.#json(findKey(this.#chain.registry, kid))
  }

  async enroll(params: ParamReader, requester: Requester): Result<'keys.enroll'> {
    const key = publicKeyOf(params.raw('key'))
    const restrictions = params.raw('restrictions')
    const replaces = params.optionalBytes('replaces', 1, 32)
    const overlap = overlapOf(params)
    const wanted = withoutUndefined({
      name: params.optionalText('name', 255),
      restrictions: restrictions === undefined ? undefined : parseRestrictions(restrictions),
      proof: params.optionalBytes('proof', 1, maxProofBytes),
      replaces,
      overlap,
    })
    params.end()
    if (overlap !== undefined && replaces === undefined) {
      throw new AdminError('invalid-params', 'overlap is for a key that replaces another')
    }
    return kidJson(await this.#chain.enroll(key, wanted, requester))
  }

  async revoke(params: ParamReader, requester: Requester): Result<'keys.revoke'> {
    const kid = kidOf(params)
    const reason = params.optionalText('reason', 1024)
    params.end()
    return kidJson(await this.#chain.revoke(kid, reason, requester))
  }

  async restrict(params: ParamReader, requester: Requester): Result<'keys.restrict'> {
    const kid = kidOf(params)
    const restrictions = parseRestrictions(params.raw('restrictions'))
    params.end()
    return kidJson(await this.#chain.restrict(kid, restrictions, requester))
  }

  async retire(params: ParamReader, requester: Requester): Result<'keys.retire'> {
    const kid = kidOf(params)
    const overlap = overlapOf(params)
    params.end()
    return kidJson(await this.#chain.retire(kid, overlap, requester))
  }

  #json(key: RegisteredKey): KeyJson {
    const { thumbprint, name, enrolledAt, revokedAt, lastIndex, replaces, restrictions } = key
    const base = {
      kid: toBase64url(thumbprint),
      name,
      key: p256ToJwk(key.key),
      status: this.#statusOf(key),
      enrolledAt,
    }
    const isRestricted = Object.keys(restrictions).length > 0
    const more = withoutUndefined({
      revokedAt,
      lastIndex,
      replaces: replaces === undefined ? undefined : toBase64url(replaces),
      restrictions: isRestricted ? restrictions : undefined,
    })
    return { ...base, ...more }
  }

  /** For what would be recorded next. */
  #statusOf(key: RegisteredKey): KeyJson['status'] {
    if (key.revokedAt !== undefined) return 'revoked'
    if (key.lastIndex === undefined) return 'enrolled'
    const nextIndex = this.#chain.state.frontier.size
    return key.invalidityAt(nextIndex) === undefined ? 'retiring' : 'retired'
  }
}

function kidOf(params: ParamReader): Uint8Array {
  return params.bytes('kid', 1, 32)
}

function overlapOf(params: ParamReader): number | undefined {
  return params.optionalInteger('overlap', 0, Math.floor(maxOverlap))
}

function kidJson({ thumbprint }: RegisteredKey): { kid: string } {
  return { kid: toBase64url(thumbprint) }
}

/** PEM, JWK as an object or as text, or a COSE_Key in base64url. */
function publicKeyOf(value: unknown): P256PublicKey {
  try {
    return typeof value === 'string' ? parsePublicKeyText(value, nativeCrypto) : p256FromJwk(value, nativeCrypto)
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof PluginError)
      throw new AdminError('invalid-params', error.message)
    throw error
  }
}
