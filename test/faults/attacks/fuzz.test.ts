import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  addHopMac,
  detachedProperty,
  fromBase64url,
  type HopMacKey,
  type RefusalCause,
  signPublish,
  signPublishDetached,
  toBase64url,
} from '../../../protocol/index.ts'
import { freshAddress, openPeerFrom } from '../../helpers/attacks.ts'
import { AttackScene, notAuthorized } from '../../helpers/attacks-scene.ts'
import type { Property } from '../../helpers/conformance/properties.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { mutated, SeededRandom } from '../../helpers/random.ts'
import { Signer } from '../../helpers/signing.ts'

const seed = 20_261_121
const connections = 60
/** Fewer than the failed verifications that a connection may cause at once. */
const perConnection = 9
const topic = 'mac/press'
const payload = Buffer.from('21.5')
const nothing = new Uint8Array(0)

interface Mutant {
  readonly payload: Uint8Array
  readonly properties: readonly Property[]
}

/** What is changed: the whole envelope, what is in its MAC, or the payload beside it. */
function mutate(random: SeededRandom, signer: Signer, session: HopMacKey): Mutant {
  const publish = { topic, payload, seq: ++signer.seq, timeMs: Date.now() }
  const { key } = signer
  const isDetached = random.below(2) === 0
  const isMacAfterwards = random.below(2) === 0
  const mac = isMacAfterwards ? undefined : session
  const envelope = isDetached
    ? fromBase64url(signPublishDetached(key, key.thumbprint, publish, nativeCrypto, mac))
    : signPublish(key, key.thumbprint, publish, nativeCrypto, mac)
  if (isDetached && random.below(5) === 0) {
    const whole = isMacAfterwards ? addHopMac(envelope, session, payload, nativeCrypto) : envelope
    return {
      payload: different(payload, random),
      properties: [['userProperty', [detachedProperty, toBase64url(whole)]]],
    }
  }
  const changed = different(envelope, random)
  const aad = isDetached ? payload : nothing
  const complete = isMacAfterwards ? addHopMac(changed, session, aad, nativeCrypto) : changed
  if (!isDetached) return { payload: complete, properties: [] }
  return { payload, properties: [['userProperty', [detachedProperty, toBase64url(complete)]]] }
}

function different(original: Uint8Array, random: SeededRandom): Uint8Array {
  for (;;) {
    const changed = mutated(original, random)
    if (Buffer.compare(changed, original) !== 0) return changed
  }
}

test(`${connections * perConnection} publishes with random changes on a topic that asks for a signature and a MAC yield no record and no error`, async (t) => {
  const scene = await AttackScene.open(t)
  const signer = new Signer(numberedKey(195))
  await scene.enroll(signer.key, 'device')
  const random = new SeededRandom(seed)
  for (let i = 0; i < connections; i++) {
    const clientId = `fuzz-${i}`
    const peer = await openPeerFrom(t, freshAddress(), scene.port, 5)
    assert.equal((await peer.connect({ clientId })).reasonCode, 0)
    const session = await scene.agreeAs(peer, clientId, signer)
    for (let n = 0; n < perConnection; n++) {
      const mutant = mutate(random, signer, session)
      const what = `mutant ${n} of connection ${i}, seed ${seed}`
      assert.equal(await peer.publish({ topic, qos: 1, ...mutant }), notAuthorized, what)
    }
    const publish = { topic, payload, seq: ++signer.seq, timeMs: Date.now() }
    const good = signPublish(signer.key, signer.key.thumbprint, publish, nativeCrypto, session)
    assert.ok((await peer.publish({ topic, qos: 1, payload: good })) < 0x80, 'the connection goes on as before')
    await peer.disconnect()
  }
  const { refused } = await scene.admin.request('audit.status', {})
  for (const [cause, count] of Object.entries(refused)) scene.expect(cause as RefusalCause, count)
  assert.equal(
    Object.values(refused).reduce((sum, count) => sum + count, 0),
    connections * perConnection,
  )
  // The changes reach every layer.
  for (const cause of [
    'mac-invalid',
    'mac-session-unknown',
    'signature-invalid',
    'not-signed',
    'detached-malformed',
  ] as const)
    assert.ok((refused[cause] ?? 0) > 0, cause)
  assert.equal((await scene.admin.publishes({ topic })).length, connections)
  await scene.assertHeld(connections)
})
