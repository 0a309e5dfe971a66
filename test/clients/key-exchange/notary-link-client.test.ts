import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { exchangeOverLink } from '../../../clients/key-exchange/index.ts'
import { encodeExchangeFrame, utf8 } from '../../../protocol/index.ts'
import { numberedKey, publicOf } from '../../helpers/keys.ts'
import { newIdentity } from '../../helpers/signing-identity.ts'

for (const frames of [1, 2]) {
  test(`a link on which ${frames} frames answer one request is ${frames === 1 ? 'kept open' : 'ended'}`, async (t) => {
    const answers = Buffer.concat(Array(frames).fill(encodeExchangeFrame(utf8('no answer'))))
    const socket = new Duplex({
      read: () => {},
      write: (_request, _encoding, done) => {
        socket.push(answers)
        done()
      },
    })
    const settings = { brokerKey: publicOf(numberedKey(1)), clientId: 'device' }
    await assert.rejects(exchangeOverLink(socket, newIdentity(t), settings), { code: 'ERR_BROKER_UNPROVEN' })
    assert.equal(socket.destroyed, frames > 1)
  })
}
