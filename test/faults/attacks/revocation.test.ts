import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import { type RefusalCause, signPublish } from '../../../protocol/index.ts'
import { AttackScene, notAuthorized } from '../../helpers/attacks-scene.ts'
import { numberedKey } from '../../helpers/keys.ts'

const topic = 'signed/press'
const publishes = 450
const clients = 3
const key = numberedKey(161)

/** What an administrator takes from a key in the middle of its publishes, and what is said of them from then on. */
const events: readonly {
  readonly name: string
  readonly cause: RefusalCause
  readonly happens: (scene: AttackScene, kid: string) => Promise<unknown>
}[] = [
  {
    name: 'revoked',
    cause: 'key-revoked',
    happens: (scene, kid) => scene.admin.request('keys.revoke', { kid }),
  },
  {
    name: 'retired',
    cause: 'key-retired',
    happens: (scene, kid) => scene.admin.request('keys.retire', { kid }),
  },
  {
    name: 'restricted to other topics',
    cause: 'key-restricted',
    happens: (scene, kid) => scene.admin.request('keys.restrict', { kid, restrictions: { topics: ['elsewhere/#'] } }),
  },
]

for (const { name, cause, happens } of events) {
  test(`a key that is ${name} while many of its publishes are being verified has no record behind that of the event`, async (t) => {
    const scene = await AttackScene.open(t)
    const kid = await scene.enroll(key, 'press')
    let seq = 0
    const sign = () => {
      const publish = { topic, payload: Buffer.from('x'), seq: ++seq, timeMs: Date.now() }
      return signPublish(key, key.thumbprint, publish, nativeCrypto)
    }
    const batches = Array.from({ length: clients }, () =>
      Array.from({ length: publishes / clients }, () => ({ topic, payload: sign() })),
    )
    const peers = await Promise.all(batches.map(() => scene.connect(t)))
    let acknowledged = 0
    const isUnderWay = new Promise<void>((resolve) => {
      peers[0]?.mqtt.on('packetreceive', ({ cmd }) => {
        if (cmd === 'puback' && ++acknowledged === 20) resolve()
      })
    })
    const running = Promise.all(peers.map((client, i) => client.publishAll(batches[i] ?? [], 20)))
    await isUnderWay
    await happens(scene, kid)
    const codes = (await running).flat()

    const accepted = codes.filter((code) => code === 0).length
    assert.equal(codes.filter((code) => code === notAuthorized).length, publishes - accepted)
    assert.ok(accepted >= 20 && accepted < publishes, `${accepted} were accepted before`)
    scene.expect(cause, publishes - accepted)
    const records = await scene.admin.records()
    const event = records.findLast(({ kind }) => kind === 'key')
    const signed = records.filter(({ topic: recorded }) => recorded === topic)
    assert.equal(signed.length, accepted)
    for (const { index } of signed) assert.ok(index < (event?.index ?? 0), `record ${index}, event ${event?.index}`)
    await scene.assertHeld(accepted)
  })
}
