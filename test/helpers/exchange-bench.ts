import type { TestContext } from 'node:test'
import {
  AuditChain,
  type ExchangeAnswer,
  type ExchangeConnection,
  type ExchangeRequester,
  KeyExchangeService,
  type KeyExchangeServiceOptions,
  nativeCrypto,
} from '../../plugins/index.ts'
import { type KeyRestrictions, type P256PrivateKey, startKeyExchange } from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'
import type { TestKey } from './keys.ts'
import { temporaryDirectory } from './temporary.ts'

/** A clock that a test sets. */
export class TestClock {
  nowMs: number

  constructor(nowMs = Date.now()) {
    this.nowMs = nowMs
  }

  readonly now = (): number => this.nowMs
}

/** A key exchange service over a real chain on disk. */
export class ExchangeBench {
  readonly chain: AuditChain
  readonly brokerKey: P256PrivateKey
  readonly service: KeyExchangeService
  readonly clock: TestClock
  /** What the service called errors of its own. */
  readonly errors: unknown[] = []
  /** Signatures that were looked at. */
  verifications = 0

  private constructor(chain: AuditChain, clock: TestClock, options: Partial<KeyExchangeServiceOptions>) {
    this.chain = chain
    this.brokerKey = chain.brokerKey
    this.clock = clock
    this.service = new KeyExchangeService({
      chain,
      brokerKey: chain.brokerKey,
      brokerThumbprint: chain.brokerThumbprint,
      onError: (error) => this.errors.push(error),
      verifySignature: (_source, { key, message, signature }) => {
        this.verifications++
        return nativeCrypto.verifyP256(key, message, signature)
      },
      now: clock.now,
      ...options,
    })
  }

  static async open(
    t: TestContext,
    keys: Readonly<Record<string, TestKey>>,
    options: Partial<KeyExchangeServiceOptions> = {},
  ): Promise<ExchangeBench> {
    const chain = await AuditChain.open({ location: temporaryDirectory(t) })
    const bench = new ExchangeBench(chain, new TestClock(), options)
    atEnd(t, async () => {
      bench.service.close()
      await chain.close()
    })
    for (const [name, key] of Object.entries(keys)) await chain.enroll(key, { name })
    return bench
  }

  /** A request of a client, signed now. */
  request(key: TestKey, clientId: string, seq: number, timeMs = this.clock.nowMs) {
    return startKeyExchange({ key, thumbprint: key.thumbprint }, { clientId, seq, timeMs }, nativeCrypto)
  }

  answer(message: Uint8Array, requester: string | ExchangeRequester, connection: ExchangeConnection) {
    const who = typeof requester === 'string' ? anonymous(requester) : requester
    return this.service.answer(message, who, connection)
  }

  restrict(key: TestKey, restrictions: KeyRestrictions): Promise<unknown> {
    return this.chain.restrict(key.thumbprint, restrictions)
  }
}

export function anonymous(clientId: string): ExchangeRequester {
  return { clientId, auth: 'none', listener: 'mqtt://127.0.0.1:1883' }
}

/** Why there is no answer. */
export function causeOf(answer: ExchangeAnswer): string | undefined {
  return 'cause' in answer ? answer.cause : undefined
}

/** The answer that there is. */
export function responseOf(answer: ExchangeAnswer): Uint8Array {
  if ('cause' in answer) throw new Error(`refused: ${answer.cause}`)
  return answer.response
}
