import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChainGrowth } from '../../clients/cli/chain-growth.ts'
import { nativeCrypto } from '../../plugins/index.ts'
import { BlockSigner, blockTopic, encodeBlockHeader, noPreviousHash } from '../../protocol/index.ts'
import { isClientError } from '../helpers/client-codes.ts'
import { key11 } from '../helpers/keys.ts'

/** The signed header of a block with which the chain has so many records. */
function headerUpTo(treeSize: number): Uint8Array {
  const place = { height: 1, previousHash: noPreviousHash, firstIndex: treeSize - 1, count: 1, timeMs: 1, treeSize }
  return new BlockSigner(key11, nativeCrypto).sign(encodeBlockHeader({ ...place, rootHash: new Uint8Array(32) }))
}

/** A growth that hears of blocks by `tell`, while nobody ends the connection or interrupts it. */
async function scene({ isTold = true } = {}) {
  const [connection, interruption] = [new AbortController(), new AbortController()]
  let tell: (header: Uint8Array) => void = () => assert.fail('nobody listens')
  const hear = async (topic: string, onMessage: typeof tell) => {
    assert.equal(topic, blockTopic)
    tell = onMessage
    return isTold
  }
  const growth = await ChainGrowth.follow({ hear, ended: connection.signal }, interruption.signal)
  return { growth, connection, interruption, tell: (header: Uint8Array) => tell(header) }
}

test('a wait ends with the first block that reaches the index, and says how far the chain goes', async () => {
  const { growth, tell } = await scene()
  tell(headerUpTo(5))
  assert.equal(await growth.reaches(3), 4)
  let isOver = false
  const reached = growth.reaches(5).finally(() => {
    isOver = true
  })
  tell(headerUpTo(5))
  await new Promise((resolve) => setTimeout(resolve, 400))
  assert.equal(isOver, false)
  tell(headerUpTo(7))
  tell(headerUpTo(6))
  assert.equal(await reached, 6)
})

test('an interruption ends a wait, and so does the end of the connection, with an error', async () => {
  const first = await scene()
  const interrupted = first.growth.reaches(1)
  first.interruption.abort()
  assert.equal(await interrupted, undefined)
  const second = await scene()
  const waiting = second.growth.reaches(1)
  setTimeout(() => second.connection.abort(), 300)
  await assert.rejects(waiting, isClientError('ERR_CONNECTION'))
  await assert.rejects(second.growth.reaches(0), isClientError('ERR_CONNECTION'))
})

test('what is told as a block and is none ends a wait with an error', async () => {
  const { growth, tell } = await scene()
  tell(Uint8Array.of(0xa0))
  await assert.rejects(growth.reaches(1), isClientError('ERR_ADMIN'))
})

test('a broker that tells no blocks to this client is asked for everything, now and then', async () => {
  const { growth } = await scene({ isTold: false })
  assert.equal(await growth.reaches(1), Number.MAX_SAFE_INTEGER)
})
