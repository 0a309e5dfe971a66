import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  AuditChain,
  type AuditChainOptions,
  CheckpointKeeper,
  type CheckpointKeeperOptions,
  nativeCrypto,
  type PublishedCheckpoint,
} from '../../plugins/index.ts'
import { atEnd } from './cleanup.ts'
import { startMs, unsignedPublish } from './golden-chain.ts'
import { temporaryDirectory } from './temporary.ts'

/** A chain in a directory of its own, closed when the test ends. */
export async function openChain(t: TestContext, options: Partial<AuditChainOptions> = {}): Promise<AuditChain> {
  const chain = await AuditChain.open({ location: join(temporaryDirectory(t), 'data'), ...options })
  atEnd(t, () => chain.close())
  return chain
}

/** Appends unsigned publishes, each in a block of its own. */
export async function appendPublishes(chain: AuditChain, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const publish = { topic: 'plant/1', body: Uint8Array.of(i % 256) }
    await chain.record((_index, timeMs) => unsignedPublish({ ...publish, timeMs }, nativeCrypto))
  }
}

/** What makes checkpoints of a chain, when it is told to. A checkpoint that cannot be made fails the test. */
export function openKeeper(
  chain: CheckpointKeeperOptions['chain'],
  changes: Partial<CheckpointKeeperOptions> = {},
): Promise<CheckpointKeeper> {
  return CheckpointKeeper.open({
    chain,
    crypto: nativeCrypto,
    intervalMs: () => 20,
    now: () => startMs,
    onError: (error) => assert.fail(`${error}`),
    ...changes,
  })
}

export const newestOf = (keeper: CheckpointKeeper): PublishedCheckpoint => keeper.newest ?? assert.fail('no checkpoint')

/** A checkpoint of everything that the chain holds. */
export async function checkpointOf(chain: AuditChain): Promise<PublishedCheckpoint> {
  const keeper = await openKeeper(chain)
  await keeper.make()
  return newestOf(keeper)
}
