import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { AuditChain, nativeCrypto, type Pins, Retention, type RetentionOptions } from '../../../plugins/index.ts'
import { signPublish } from '../../../protocol/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { signedPublish, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

export const device = numberedKey(61)

/** A chain on disk to erase from; index 0 is the genesis, 1 the enrolment of the device. */
export class ErasableChain {
  readonly location: string
  readonly chain: AuditChain
  readonly #clock: { nowMs: number }

  private constructor(location: string, chain: AuditChain, clock: { nowMs: number }) {
    this.location = location
    this.chain = chain
    this.#clock = clock
  }

  static async open(t: TestContext, location = temporaryDirectory(t)): Promise<ErasableChain> {
    const clock = { nowMs: startMs }
    const chain = await AuditChain.open({ location, now: () => clock.nowMs })
    atEnd(t, () => chain.close())
    if (chain.registry.named('device') === undefined) await chain.enroll(publicOf(device), 'device')
    return new ErasableChain(location, chain, clock)
  }

  get nowMs(): number {
    return this.#clock.nowMs
  }

  pass(seconds: number): void {
    this.#clock.nowMs += seconds * 1000
  }

  /** Records an unsigned publish in a block of its own. @returns its index */
  async publish(topic: string, body: Uint8Array = randomBytes(100), clientId = 'door-1'): Promise<number> {
    const index = this.chain.nextIndex
    await this.chain.record((_, timeMs) => unsignedPublish({ topic, body, timeMs }, nativeCrypto, { clientId }))
    return index
  }

  /** Records a signed publish of the device. @returns its index */
  async publishSigned(seq: number, topic = 'signed'): Promise<number> {
    const index = this.chain.nextIndex
    const payload = randomBytes(100)
    const message = signPublish(device, device.thumbprint, { topic, payload, seq, timeMs: startMs }, nativeCrypto)
    await this.chain.record((at, timeMs) => {
      const entry = signedPublish(message, topic, device.thumbprint, timeMs, nativeCrypto)
      assert.ok(this.chain.registry.enter(entry.record, at))
      return entry
    })
    return index
  }

  retention(t: TestContext, more: Partial<RetentionOptions> = {}, pinned: Iterable<number> = []): Retention {
    const pins = async (): Promise<Pins> => ({ indexes: new Set(pinned), below: this.chain.nextIndex })
    const retention = new Retention({
      chain: this.chain,
      rules: () => [],
      pins,
      forgetRecords: async () => {},
      now: () => this.nowMs,
      onError: (error) => assert.fail(String(error)),
      ...more,
    })
    atEnd(t, () => retention.stop())
    return retention
  }

  /** Whether the bytes stand in any file of the store. */
  holds(bytes: Uint8Array): boolean {
    const directory = join(this.location, 'store')
    return readdirSync(directory).some((name) => readFileSync(join(directory, name)).includes(Buffer.from(bytes)))
  }
}
