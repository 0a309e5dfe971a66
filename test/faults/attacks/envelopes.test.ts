import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { HopMacKey, RefusalCause } from '../../../protocol/index.ts'
import { type Carriage, carriages, carry, forgeSign1 } from '../../helpers/attacks.ts'
import { AttackScene } from '../../helpers/attacks-scene.ts'
import type { TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'
import { type EnvelopeAttack, enrolments, envelopeAttacks, keys } from './envelope-cases.ts'

const payload = Buffer.from('21.5')
/** Of the newest publish of the device, so that number 1 lies below its window. */
const newestSeq = 5000

/** Each counts as a failed verification, when it is one. */
const publishesPerAttack = 4

interface Attacker {
  readonly client: TestClient
  readonly session: HopMacKey
  /** With failed verifications. */
  attacks: number
}

/** Of a key that is for this user; nothing proves it. */
const claimedUser = 'anna'

/** How an unprotected topic took what is no envelope of an enrolled key. */
type Opaque = 'unsigned' | 'unknown-key'

class Table {
  readonly scene: AttackScene
  readonly #gateway = new Signer(keys.gateway)
  /** Publishes that unprotected topics took. */
  readonly opaque: Record<Opaque, number> = { unsigned: 0, 'unknown-key': 0 }
  readonly #t: TestContext
  readonly #attackers = new Map<Carriage, Attacker>()
  #seq = newestSeq

  constructor(t: TestContext, scene: AttackScene) {
    this.#t = t
    this.scene = scene
  }

  /** One attack in one carriage, with and without a MAC, on a topic that asks for an envelope and on one that does not. */
  async run(attack: EnvelopeAttack, carriage: Carriage): Promise<void> {
    const { client, session } = await this.#attacker(attack, carriage)
    const policy = attack.policy ?? 'signed'
    await this.#refused(client, attack, carriage, policy, undefined)
    await this.#refused(client, attack, carriage, attack.policy ?? 'mac', session)
    if (attack.policy !== undefined) return
    const opaque = opaqueOutcomeOf(attack)
    for (const mac of [undefined, session]) {
      if (opaque === undefined) await this.#refused(client, attack, carriage, 'open', mac)
      else await this.#taken(client, attack, carriage, opaque, mac)
    }
  }

  /** The one from before, as long as its budget of failed verifications admits all that an attack costs. */
  async #attacker({ cause }: EnvelopeAttack, carriage: Carriage): Promise<Attacker> {
    let attacker = this.#attackers.get(carriage)
    if (attacker === undefined || attacker.attacks * publishesPerAttack >= 8) {
      await attacker?.client.end()
      const client = await this.scene.connect(this.#t, { ...carriage.version, username: claimedUser })
      attacker = { client, session: await this.scene.agree(client, this.#gateway), attacks: 0 }
      this.#attackers.set(carriage, attacker)
    }
    if (cause === 'signature-invalid') attacker.attacks++
    return attacker
  }

  async #refused(
    client: TestClient,
    attack: EnvelopeAttack,
    carriage: Carriage,
    policy: string,
    session: HopMacKey | undefined,
  ): Promise<void> {
    const topic = `${policy}/press`
    const what = `${attack.name} (${carriage.name}${session === undefined ? '' : ', MACed'}, ${policy})`
    await this.scene.refuses(
      client,
      causeOf(attack, carriage),
      topic,
      this.#make(attack, carriage, topic, session),
      what,
    )
  }

  async #taken(
    client: TestClient,
    attack: EnvelopeAttack,
    carriage: Carriage,
    outcome: Opaque,
    session: HopMacKey | undefined,
  ): Promise<void> {
    const made = this.#make(attack, carriage, 'open/press', session)
    assert.equal(await client.publish('open/press', made.payload, { qos: 1, ...made }), 0, attack.name)
    this.opaque[outcome]++
  }

  #make(attack: EnvelopeAttack, { carrier }: Carriage, topic: string, session: HopMacKey | undefined) {
    const { key = keys.device } = attack
    const nowMs = Date.now()
    const next = ++this.#seq
    const seq = attack.seq?.(next) ?? next
    const timeMs = attack.timeMs?.(nowMs) ?? nowMs
    const forgery = attack.forgery?.({ key, topic, seq, nowMs }) ?? {}
    const sign1 = forgeSign1({ key, seq, timeMs, topic, payload }, forgery, carrier)
    return carry(sign1, payload, carrier, session)
  }
}

function causeOf({ cause }: EnvelopeAttack, { carrier }: Carriage): RefusalCause {
  if (cause !== 'malformed') return cause
  return carrier === 'attached' ? 'not-signed' : 'detached-malformed'
}

function opaqueOutcomeOf({ cause }: EnvelopeAttack): Opaque | undefined {
  if (cause === 'malformed') return 'unsigned'
  return cause === 'unknown-key' ? 'unknown-key' : undefined
}

test('envelopes that are not what they should be', async (t) => {
  const scene = await AttackScene.open(t)
  const kids = new Map<unknown, string>()
  for (const [key, name, restrictions] of enrolments) kids.set(key, await scene.enroll(key, name, restrictions))
  await scene.admin.request('keys.revoke', { kid: kids.get(keys.revoked) ?? '' })
  await scene.admin.request('keys.retire', { kid: kids.get(keys.retired) ?? '' })
  const device = await scene.connect(t, { clientId: 'device' })
  const newest = new Signer(keys.device).sign('signed/press', 'newest', { seq: newestSeq })
  assert.equal(await device.publish('signed/press', newest), 0)

  const table = new Table(t, scene)
  for (const attack of envelopeAttacks) {
    await t.test(
      `${attack.name}: ${attack.cause}, in every carrier and version, with a MAC around it and without`,
      async () => {
        for (const carriage of carriages) await table.run(attack, carriage)
      },
    )
  }

  await t.test('none of them was recorded but as what it is, and nobody else was harmed', async () => {
    const { unsigned, 'unknown-key': unknownKey } = table.opaque
    const outcomes = (await scene.admin.publishes({ topic: 'open/#' })).map(({ outcome }) => outcome)
    assert.equal(outcomes.filter((outcome) => outcome === 'unsigned').length, unsigned)
    assert.equal(outcomes.filter((outcome) => outcome === 'unknown-key').length, unknownKey)
    assert.equal(outcomes.length, unsigned + unknownKey)
    await scene.assertHeld(1)
  })
})
