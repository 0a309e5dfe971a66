import { existsSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AnchorFile } from '../anchors/index.ts'
import { renameDurably, replaceFileDurably } from '../audit-chain/index.ts'

/** In the directory of a new log that is not in its place yet: which anchors it takes over, and what they get. */
const listName = 'left-behind'
const contentName = 'anchor'
const heldName = (i: number) => `anchor.${i + 1}`

/**
 * Notes anchors that hold a checkpoint of a log before the old one, with what they hold: the new log does not name that
 * log, and would not start with them. Nothing is done to them before the new log is in its place.
 * @param directory of the new log
 * @param anchor what each of them gets
 */
export async function keepLeftBehind(
  directory: string,
  anchors: readonly AnchorFile[],
  anchor: Uint8Array,
): Promise<void> {
  if (anchors.length === 0) return
  for (const [i, { path }] of anchors.entries()) {
    await replaceFileDurably(join(directory, heldName(i)), await readFile(path), 0o644)
  }
  await replaceFileDurably(join(directory, contentName), anchor, 0o644)
  await replaceFileDurably(join(directory, listName), JSON.stringify(anchors.map(({ path }) => path)), 0o600)
}

/**
 * Gives those anchors the checkpoint of the new log; what they held goes to the old one. Every step may have been done
 * before a crash.
 * @param next directory of the new log, of which the rest is in its place
 * @param old directory of the old log
 * @throws {PluginError} ERR_ANCHOR_WRITE_FAILED
 */
export async function takeOverLeftBehind(next: string, old: string): Promise<void> {
  const list = join(next, listName)
  if (!existsSync(list)) return
  const anchor = readFileSync(join(next, contentName))
  const paths = JSON.parse(readFileSync(list, 'utf8')) as readonly string[]
  for (const [i, path] of paths.entries()) {
    const held = join(next, heldName(i))
    if (existsSync(held)) await renameDurably(held, join(old, heldName(i)))
    await new AnchorFile(path).write(anchor)
  }
}
