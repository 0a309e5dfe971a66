import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AuditChain,
  ConfigRecorder,
  nativeCrypto,
  type ObservedReuse,
  type SeqReuseAlarm,
  verifyStore,
} from '../../../plugins/index.ts'
import { externalAad, parseAttachedEnvelope, signPublish, sigStructure } from '../../../protocol/index.ts'
import { signedPublish, startMs } from '../../helpers/golden-chain.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { tamper } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const device = numberedKey(51)
const topic = 'plant/1'

function envelopeOf(text: string) {
  const publish = { topic, payload: Buffer.from(text), seq: 1, timeMs: startMs }
  return signPublish(device, device.thumbprint, publish, nativeCrypto)
}

/** A chain in which the device used number 1 at index 2. */
async function chainWith(t: TestContext, location = temporaryDirectory(t)) {
  const alarms: SeqReuseAlarm[] = []
  const chain = await AuditChain.open({ location, onAlarm: (alarm) => alarms.push(alarm) })
  const signer = await chain.enroll(publicOf(device), 'device')
  const accept = () =>
    chain.submit({
      bytes: 1,
      decide: (index, timeMs) => {
        const entry = signedPublish(envelopeOf('first'), topic, device.thumbprint, timeMs, nativeCrypto)
        assert.ok(chain.registry.enter(entry.record, index))
        return entry
      },
      settle: () => {},
    })
  const reuse = (text: string): ObservedReuse => {
    const envelope = parseAttachedEnvelope(envelopeOf(text)) ?? assert.fail('no envelope')
    const signed = sigStructure(envelope.sign1.protectedBytes, externalAad(topic), envelope.payload)
    const contentDigest = nativeCrypto.sha256(signed)
    const requester = { clientId: 'other', auth: 'none', listener: 'mqtt://127.0.0.1:1883' } as const
    return { signer, envelope, topic, contentDigest, acceptedIndex: 2, requester }
  }
  return { chain, alarms, accept, reuse }
}

test('a reused number is recorded once with both envelopes, raises one alarm, and the chain verifies', async (t) => {
  const { chain, alarms, accept, reuse } = await chainWith(t)
  // Reported while the accepted publish waits for its commit.
  accept()
  await Promise.all([chain.reportSeqReuse(reuse('second')), chain.reportSeqReuse(reuse('second'))])
  await chain.reportSeqReuse(reuse('third'))
  assert.equal(chain.state.frontier.size, 4)
  assert.deepEqual(
    alarms.map(({ kind, index, acceptedIndex, name, seq }) => [kind, index, acceptedIndex, name, seq]),
    [['seq-reuse', 3, 2, 'device', 1]],
  )
  const { ok, signatures } = await verifyStore({ store: chain.store })
  assert.deepEqual([ok, signatures], [true, 1])
  await chain.close()
})

test('after a restart it is still known that the number was reported, from the snapshot and from the chain', async (t) => {
  const location = temporaryDirectory(t)
  const { chain, accept, reuse } = await chainWith(t, location)
  accept()
  await chain.reportSeqReuse(reuse('second'))
  await chain.close()
  for (const isWalked of [false, true]) {
    if (isWalked) await tamper(location, (blocks) => blocks.forgetSnapshot())
    const again = await AuditChain.open({ location })
    assert.equal(again.registry.resolve(device.thumbprint)?.window.isReuseReported(1), true)
    await again.close()
  }
})

test('a number that has left the window is not reported: nobody can tell what was accepted under it', async (t) => {
  const { chain, alarms, accept, reuse } = await chainWith(t)
  accept()
  await chain.drained()
  const report = chain.reportSeqReuse(reuse('second'))
  chain.registry.resolve(device.thumbprint)?.window.accept(9999, {
    index: 9,
    contentDigest: new Uint8Array(32),
    qos: 0,
    retain: false,
  })
  await report
  assert.deepEqual([chain.state.frontier.size, alarms], [3, []])
  await chain.close()
})

test('what is recorded as accepted must be a signed publish', async (t) => {
  const { chain, reuse } = await chainWith(t)
  await assert.rejects(chain.reportSeqReuse({ ...reuse('second'), acceptedIndex: 1 }), { code: 'ERR_CHAIN_DAMAGED' })
  await chain.close()
})

test('the configuration in force is a record', async (t) => {
  const { chain } = await chainWith(t)
  await (await ConfigRecorder.open(chain)).record(() => new Uint8Array(32), 'reload')
  assert.equal(chain.state.frontier.size, 3)
  assert.equal((await verifyStore({ store: chain.store })).ok, true)
  await chain.close()
})
