import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type IdentityAnswer, IdentityService } from '../../../plugins/identity/index.ts'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { verifyIdentityStatement } from '../../../protocol/index.ts'
import { TestClock } from '../../helpers/exchange-bench.ts'
import { keyMeriadoc, publicOf } from '../../helpers/keys.ts'

const nonce = new Uint8Array(16).fill(3)
const press = { clientId: 'press-7', certificateSha256: undefined }

const causeOf = (answer: IdentityAnswer) => ('cause' in answer ? answer.cause : undefined)

test('the broker proves who it is, for this nonce, this client and this certificate', async () => {
  const service = new IdentityService({ brokerKey: keyMeriadoc, brokerId: 'notarymq/test' })
  const certificateSha256 = new Uint8Array(32).fill(8)
  const answer = service.answer(nonce, { clientId: 'press-7', certificateSha256 }, {})
  assert.ok('response' in answer)
  const expected = { nonce, clientId: 'press-7', brokerKey: publicOf(keyMeriadoc) }
  const statement = await verifyIdentityStatement(answer.response, expected, nativeCrypto)
  assert.equal(statement.brokerId, 'notarymq/test')
  assert.deepEqual(Buffer.from(statement.certificateSha256 ?? []), Buffer.from(certificateSha256))
  assert.equal(statement.checkpoint, undefined)
})

test('the newest checkpoint is in the answer where there is one', async () => {
  const service = new IdentityService({ brokerKey: keyMeriadoc, brokerId: 'b', checkpoint: () => 'b\n7\nroot\n' })
  const answer = service.answer(nonce, press, {})
  assert.ok('response' in answer)
  const statement = await verifyIdentityStatement(answer.response, { nonce, clientId: 'press-7' }, nativeCrypto)
  assert.equal(statement.checkpoint, 'b\n7\nroot\n')
})

test('a nonce of another length is not signed', () => {
  const service = new IdentityService({ brokerKey: keyMeriadoc, brokerId: 'b' })
  for (const length of [0, 15, 65]) {
    assert.equal(causeOf(service.answer(new Uint8Array(length), press, {})), 'request-malformed')
  }
})

test('one connection that asks too often is refused, another is not', () => {
  const clock = new TestClock()
  const service = new IdentityService({ brokerKey: keyMeriadoc, brokerId: 'b', now: clock.now })
  const [hasty, calm] = [{}, {}]
  const causes = Array.from({ length: 6 }, () => causeOf(service.answer(nonce, press, hasty)))
  assert.deepEqual(causes, [...Array(5).fill(undefined), 'too-busy'])
  assert.equal(causeOf(service.answer(nonce, press, calm)), undefined)
  clock.nowMs += 1000
  assert.equal(causeOf(service.answer(nonce, press, hasty)), undefined)
})

test('all connections together are limited', () => {
  const rateOfAll = { perSecond: 1, burst: 2 }
  const service = new IdentityService({ brokerKey: keyMeriadoc, brokerId: 'b', now: () => 0, rateOfAll })
  const causes = Array.from({ length: 3 }, () => causeOf(service.answer(nonce, press, {})))
  assert.deepEqual(causes, [undefined, undefined, 'too-busy'])
})
