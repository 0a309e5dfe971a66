import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { TestAdmin } from './admin.ts'
import type { SpawnedBroker } from './broker.ts'
import { TestClient } from './mqtt-clients.ts'

/** Ordinary clients of a broker that somebody else attacks: they must not notice. */
export class Bystander {
  readonly #broker: SpawnedBroker
  readonly #t: TestContext
  readonly #subscriber: TestClient
  readonly #admin: TestAdmin
  #checks = 0

  private constructor(t: TestContext, broker: SpawnedBroker, subscriber: TestClient, admin: TestAdmin) {
    this.#t = t
    this.#broker = broker
    this.#subscriber = subscriber
    this.#admin = admin
  }

  /** Connects before the attack. */
  static async of(t: TestContext, broker: SpawnedBroker): Promise<Bystander> {
    const subscriber = await TestClient.connect(t, broker.port, { keepalive: 0 })
    assert.equal(await subscriber.subscribe('bystander/#', 1), 1)
    const admin = await TestAdmin.connect(t, broker.port, { keepalive: 0 })
    return new Bystander(t, broker, subscriber, admin)
  }

  /** Asserts that the process is the one that was started. */
  assertAlive(what: string): void {
    const { child, log } = this.#broker
    const end = child.exitCode ?? child.signalCode
    assert.equal(end, null, `the broker ended with ${end} after ${what}:\n${log().slice(-4000)}`)
  }

  /**
   * Asserts that the broker is alive, that clients from before and new ones publish and receive, and that the chain
   * verifies.
   */
  async assertUnharmed(what: string): Promise<void> {
    this.assertAlive(what)
    const topic = `bystander/${++this.#checks}`
    const newcomer = await TestClient.connect(this.#t, this.#broker.port)
    assert.equal(await newcomer.subscribe(topic, 1), 1)
    assert.equal(await newcomer.publish(topic, what), 0)
    assert.equal(await this.#subscriber.publish(topic, what), 0)
    for (const client of [this.#subscriber, newcomer]) {
      const got = await client.waitFor(2, (message) => message.topic === topic)
      assert.deepEqual(
        got.map(({ payload }) => payload.toString()),
        [what, what],
      )
    }
    await newcomer.end()
    const { ok, firstBad } = await this.#admin.request('audit.verify', {})
    assert.deepEqual([ok, firstBad], [true, undefined], what)
    this.assertAlive(what)
  }

  /** Records of publishes to a topic. */
  recordsOf(topic: string): ReturnType<TestAdmin['publishes']> {
    return this.#admin.publishes({ topic })
  }
}
