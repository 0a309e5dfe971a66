import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import { addHopMac, encodeCbor, type HopMacKey, macMac0, type RefusalCause } from '../../../protocol/index.ts'
import { type Carrier, carriages, carry, forgeSign1, inCarrier } from '../../helpers/attacks.ts'
import { AttackScene } from '../../helpers/attacks-scene.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { Signer } from '../../helpers/signing.ts'

const payload = Buffer.from('21.5')
const nothing = new Uint8Array(0)

/** Sessions that an attacker knows of. */
interface Sessions {
  /** Of this connection and this key. */
  readonly own: HopMacKey
  /** Of another connection of the same key, which is still open. */
  readonly elsewhere: HopMacKey
  /** Of a connection that has ended. */
  readonly ended: HopMacKey
}

/** Puts a COSE_Sign1 into a COSE_Mac0 that must not be believed. */
interface MacAttack {
  readonly name: string
  readonly cause: RefusalCause | 'malformed'
  readonly wrap: (sign1: Uint8Array, sessions: Sessions, aad: Uint8Array) => Uint8Array
}

/** With the last bytes, the tag, changed. */
function withTag(envelope: Uint8Array, change: (tag: Uint8Array) => Uint8Array): Uint8Array {
  return Buffer.concat([envelope.subarray(0, -32), change(envelope.subarray(-32))])
}

function mac0(
  sign1: Uint8Array,
  session: HopMacKey,
  aad: Uint8Array,
  headers: readonly (readonly [number, number | Uint8Array])[],
) {
  return macMac0(session.key, encodeCbor(new Map(headers)), aad, sign1, nativeCrypto)
}

const wrapped = (sign1: Uint8Array, session: HopMacKey, aad: Uint8Array) => addHopMac(sign1, session, aad, nativeCrypto)

const attacks: readonly MacAttack[] = [
  {
    name: 'a forged tag',
    cause: 'mac-invalid',
    wrap: (sign1, { own }, aad) => withTag(wrapped(sign1, own, aad), () => nativeCrypto.randomBytes(32)),
  },
  {
    name: 'the last bit of the tag turned over',
    cause: 'mac-invalid',
    wrap: (sign1, { own }, aad) =>
      withTag(wrapped(sign1, own, aad), (tag) => tag.map((byte, i) => (i === 31 ? byte ^ 1 : byte))),
  },
  {
    name: 'the key of all zeros that ended sessions have',
    cause: 'mac-invalid',
    wrap: (sign1, { own }, aad) => wrapped(sign1, { sid: own.sid, key: new Uint8Array(32) }, aad),
  },
  {
    name: 'the key of another session',
    cause: 'mac-invalid',
    wrap: (sign1, { own, elsewhere }, aad) => wrapped(sign1, { sid: own.sid, key: elsewhere.key }, aad),
  },
  {
    name: 'a tag over another application payload or none, as of the other carrier',
    cause: 'mac-invalid',
    wrap: (sign1, { own }, aad) => wrapped(sign1, own, aad.length === 0 ? payload : nothing),
  },
  {
    name: 'a session id that nobody gave out',
    cause: 'mac-session-unknown',
    wrap: (sign1, { own }, aad) => wrapped(sign1, { sid: new Uint8Array(8), key: own.key }, aad),
  },
  {
    name: 'the session of another connection',
    cause: 'mac-session-unknown',
    wrap: (sign1, { elsewhere }, aad) => wrapped(sign1, elsewhere, aad),
  },
  {
    name: 'the session of a connection that has ended',
    cause: 'mac-session-unknown',
    wrap: (sign1, { ended }, aad) => wrapped(sign1, ended, aad),
  },
  {
    name: 'no MAC at all',
    cause: 'mac-required',
    wrap: (sign1) => sign1,
  },
  {
    name: 'a tag of 31 bytes',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) => wrapped(sign1, own, aad).subarray(0, -1),
  },
  {
    name: 'HMAC 256/64 instead of 256/256',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) =>
      mac0(sign1, own, aad, [
        [1, 4],
        [4, own.sid],
      ]),
  },
  {
    name: 'a MAC without an algorithm',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) => mac0(sign1, own, aad, [[4, own.sid]]),
  },
  {
    name: 'a MAC with one header more',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) =>
      mac0(sign1, own, aad, [
        [1, 5],
        [4, own.sid],
        [99, 1],
      ]),
  },
  {
    name: 'a session id of nine bytes',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) =>
      mac0(sign1, own, aad, [
        [1, 5],
        [4, Buffer.concat([own.sid, Buffer.of(0)])],
      ]),
  },
  {
    name: 'a MAC in a MAC',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) => wrapped(wrapped(sign1, own, aad), own, aad),
  },
  {
    name: 'a MAC around nothing',
    cause: 'malformed',
    wrap: (_sign1, { own }, aad) => wrapped(nothing, own, aad),
  },
  {
    name: 'a byte behind the MAC',
    cause: 'malformed',
    wrap: (sign1, { own }, aad) => Buffer.concat([wrapped(sign1, own, aad), Buffer.of(0)]),
  },
]

test('hop MACs that are not what they should be', async (t) => {
  const scene = await AttackScene.open(t)
  const device = new Signer(numberedKey(121))
  const other = new Signer(numberedKey(122))
  await scene.enroll(device.key, 'device')
  await scene.enroll(other.key, 'other')
  const elsewhere = await scene.agree(await scene.connect(t), device)
  const gone = await scene.connect(t)
  const ended = await scene.agree(gone, device)
  await gone.end()

  const sign1Of = (signer: Signer, topic: string, carrier: Carrier) =>
    forgeSign1({ key: signer.key, seq: ++signer.seq, timeMs: Date.now(), topic, payload }, {}, carrier)
  let recorded = 0
  let openRecords = 0

  for (const { name, version, carrier } of carriages) {
    await t.test(`${name}: each is refused with its cause, and none is recorded`, async (t) => {
      const aad = carrier === 'attached' ? nothing : payload
      const client = await scene.connect(t, version)
      const own = await scene.agree(client, device)
      for (const { name: what, cause, wrap } of attacks) {
        const made = (topic: string) => {
          const sign1 = sign1Of(device, topic, carrier)
          return inCarrier(wrap(sign1, { own, elsewhere, ended }, aad), payload, carrier)
        }
        const told = cause === 'malformed' ? (carrier === 'attached' ? 'not-signed' : 'detached-malformed') : cause
        await scene.refuses(client, told, 'mac/press', made('mac/press'), `${what}, ${name}`)
        // Where no MAC is asked for, one that is there is looked at all the same, unless it is none.
        if (cause === 'malformed') {
          const { payload: bytes, ...options } = made('open/press')
          assert.equal(await client.publish('open/press', bytes, { qos: 1, ...options }), 0, what)
          openRecords++
        } else if (cause !== 'mac-required' && cause !== 'mac-invalid') {
          await scene.refuses(client, told, 'open/press', made('open/press'), what)
        }
      }
      // The MAC is of this session, the signature of another key.
      const foreign = carry(sign1Of(other, 'mac/press', carrier), payload, carrier, own)
      await scene.refuses(client, 'mac-key-mismatch', 'mac/press', foreign)
      // Nothing of it ended the session.
      const good = carry(sign1Of(device, 'mac/press', carrier), payload, carrier, own)
      assert.equal(await client.publish('mac/press', good.payload, { qos: 1, ...good }), 0)
      recorded++
    })
  }

  await t.test('nothing but the good ones was recorded as signed', async () => {
    const records = await scene.admin.publishes({ topic: 'mac/#' })
    assert.deepEqual(
      records.map(({ outcome, mac }) => [outcome, mac]),
      Array.from({ length: recorded }, () => ['signed', true]),
    )
    const open = await scene.admin.publishes({ topic: 'open/#' })
    assert.equal(open.length, openRecords)
    assert.deepEqual(new Set(open.map(({ outcome }) => outcome)), new Set(['unsigned']))
    await scene.assertHeld(recorded)
  })
})
