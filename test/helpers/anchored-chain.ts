import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AnchorFile,
  AuditChain,
  CheckpointKeeper,
  type CheckpointSource,
  guardChain,
  nativeCrypto,
  openAnchors,
  PluginError,
} from '../../plugins/index.ts'
import { type AnchorContent, parseAnchor } from '../../protocol/index.ts'

/** A chain with a keeper of checkpoints that go to anchors, as a broker opens them. */
export interface AnchoredChain {
  readonly chain: AuditChain
  readonly keeper: CheckpointKeeper
  /** Places of anchors that began to fail, and those that were mended, as they were told. */
  readonly told: string[]
  close(): Promise<void>
}

/**
 * Opens a chain that must extend what the sources kept.
 * @param more sources that are only asked
 */
export async function openAnchored(
  location: string,
  files: readonly AnchorFile[],
  more: readonly CheckpointSource[] = [],
): Promise<AnchoredChain> {
  const chain = await AuditChain.open({ location, guard: (found) => guardChain(found, [...files, ...more]) })
  const told: string[] = []
  try {
    const anchors = await openAnchors({
      chain,
      files,
      onFailing: (place) => told.push(`failing ${place}`),
      onMended: (place) => told.push(`mended ${place}`),
    })
    const onError = (error: unknown) => told.push(`${(error as { code?: unknown }).code}`)
    const parts = { chain, crypto: nativeCrypto, intervalMs: () => 1000, anchors, onError, now: Date.now }
    const keeper = await CheckpointKeeper.open(parts)
    const close = async () => {
      await keeper.close()
      await chain.close()
    }
    return { chain, keeper, told, close }
  } catch (error) {
    await chain.close()
    throw error
  }
}

/** Puts a data directory back as it was when it was copied, the keys and the head file included. */
export function putBack(copy: string, location: string, ...names: readonly string[]): void {
  for (const name of names.length === 0 ? ['store', 'head', 'keys'] : names) {
    rmSync(join(location, name), { recursive: true, force: true })
    cpSync(join(copy, name), join(location, name), { recursive: true })
  }
}

/** What an anchor holds, whoever signed it. */
export function contentOf({ path }: AnchorFile): AnchorContent {
  return parseAnchor(readFileSync(path))
}

/** The error of a plugin that a promise is rejected with. */
export async function refusal(promise: Promise<unknown>): Promise<PluginError> {
  const error = await promise.then(
    () => assert.fail('nothing was refused'),
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof PluginError, `${error}`)
  return error
}
