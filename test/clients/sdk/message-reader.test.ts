import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IPublishPacket } from 'mqtt'
import { MessageReader } from '../../../clients/sdk/message-reader.ts'
import { nobleCrypto, toHex } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { keyringOf, textOf } from '../../helpers/sdk.ts'
import { Signer } from '../../helpers/signing.ts'

const device = numberedKey(75)
/** A COSE_Encrypt0 in form only. */
const encrypted = Buffer.from('d08343a10103a2044101054c00000000000000000000000050'.padEnd(82, '0'), 'hex')

test('messages are decrypted after key messages that came before them, also when those take longer to verify', async () => {
  const happened: string[] = []
  const signer = new Signer(device)
  const [key, message] = [signer.sign('key', 'a key'), signer.sign('plant/1', encrypted)]
  const isSlow = (signed: Uint8Array) => toHex(signed).includes(Buffer.from('a key').toString('hex'))
  let setMessageVerified = () => {}
  const messageVerified = new Promise<void>((resolve) => {
    setMessageVerified = resolve
  })
  const reader = new MessageReader({
    keyring: keyringOf({ device }),
    crypto: {
      ...nobleCrypto,
      verifyP256: async (publicKey, signed, signature) => {
        if (isSlow(signed)) await messageVerified
        happened.push(`${isSlow(signed) ? 'key' : 'message'} verified`)
        setMessageVerified()
        return nobleCrypto.verifyP256(publicKey, signed, signature)
      },
    },
    cipher: {
      take: ({ topic }) => {
        happened.push(`${topic} offered`)
        return topic === 'key'
      },
      whenMade: async () => ({
        covers: () => true,
        seal: () => assert.fail('nothing is sent'),
        open: async (topic) => {
          happened.push(`${topic} opened`)
          return Buffer.from('21.5')
        },
      }),
    },
  })
  const packet = { qos: 0, retain: false, dup: false } as IPublishPacket
  const read = await Promise.all([reader.read('key', key, packet), reader.read('plant/1', message, packet)])
  assert.deepEqual(happened, ['message verified', 'key verified', 'key offered', 'plant/1 offered', 'plant/1 opened'])
  const [taken, told] = read
  assert.equal(taken, undefined)
  assert.ok(told?.verified)
  // As they came, not as they were verified.
  assert.deepEqual([textOf(told.payload), told.verified.seq, told.verified.late], ['21.5', 2, false])
})
