import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockInspector, detached, inOneBuffer } from '../../../plugins/audit-verify/inspection-batch.ts'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import { goldenChain } from '../../helpers/golden-chain.ts'

const blocks = goldenChain().blocks.map(({ key, encoded }) => ({ firstIndex: key, encoded }))
const request = { newKeys: [], brokerKey: undefined, signaturesFrom: 0 }

/** Every array of bytes that can be reached. */
function arraysIn(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(arraysIn) : []
}

test('what was found in blocks stays as it was when others come in their buffer', async () => {
  const { blocks: moved, buffer } = inOneBuffer(blocks)
  const found = await new BlockInspector(nativeCrypto).inspect({ ...request, blocks: moved })
  const kept = found.map(detached)
  assert.deepEqual(kept, found)
  assert.ok(arraysIn(found).some((array) => array.buffer === buffer))
  assert.ok(found.some(({ records }) => records.some(({ body }) => body !== undefined)))
  for (const array of arraysIn(kept)) assert.notEqual(array.buffer, buffer)
})

test('blocks take a spare buffer when they have room in it, and another one when they have not', () => {
  const length = blocks.reduce((sum, { encoded }) => sum + encoded.length, 0)
  for (const [bytes, isTaken] of [
    [length, true],
    [length + 1, true],
    [length - 1, false],
  ] as const) {
    const spare = new ArrayBuffer(bytes)
    const { blocks: moved, buffer } = inOneBuffer(blocks, spare)
    assert.equal(buffer === spare, isTaken)
    assert.deepEqual(
      moved.map(({ firstIndex, encoded }) => [firstIndex, Buffer.from(encoded).toString('hex')]),
      blocks.map(({ firstIndex, encoded }) => [firstIndex, Buffer.from(encoded).toString('hex')]),
    )
  }
})
