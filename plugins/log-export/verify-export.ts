import {
  bytesEqual,
  type ChainFault,
  type ChainFinding,
  ChainVerifier,
  decodeRecord,
  decodeRecordItem,
  ed25519NoteVerifier,
  Frontier,
  isRotation,
  KeyRegistry,
  leafHash,
  logFilePath,
  NoteError,
  type OpenedCheckpoint,
  openCheckpoint,
  ProtocolError,
  parseGenesis,
  parseItems,
  parseKeyEvent,
  parseVerifierKey,
  type TreeHead,
  tileIn,
  tileWidth,
} from '../../protocol/index.ts'
import { publicKeyFiles } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { type AssembledBlock, BlockAssembler } from './block-assembler.ts'
import { type ExportFault, ExportFaultFound, type ExportFinding } from './export-faults.ts'
import { ExportReader, type FoundFile } from './export-reader.ts'
import { ExportedTileCheck } from './exported-tile-check.ts'
import { manifestName, manifestText } from './manifest.ts'

export interface VerifyExportOptions {
  readonly directory: string
  /** Verifier keys to trust. Absent: the ones that lie in the export, with which it proves only that it fits itself. */
  readonly vkeys?: readonly string[]
  /** Called after each bundle with the number of records verified. */
  readonly onProgress?: (records: number, treeSize: number) => void
}

export interface ExportVerification {
  readonly ok: boolean
  /** Undefined when there is no checkpoint to trust. */
  readonly origin?: string
  readonly treeSize?: number
  /** Records before the first fault. */
  readonly checked: number
  /** Publishers' signatures among them. */
  readonly signatures: number
  readonly firstBad?: ExportFinding
}

/** A note has 256 KiB at most; nothing else that is read whole is larger. */
const maxSmallBytes = 256 * 1024

/**
 * Verifies an export with nothing but the verifier key of its log: checkpoint, leaves, tiles and root; then records
 * against leaves, headers, links, key events and publishers' signatures, as `ChainVerifier` does; then the keys beside
 * them. Ends at the first fault.
 * @throws {PluginError} ERR_EXPORT_DIRECTORY @throws {NoteError} ERR_NOTE_KEY_INVALID: not a verifier key
 */
export async function verifyExport(options: VerifyExportOptions): Promise<ExportVerification> {
  const reader = new ExportReader(options.directory)
  await reader.open()
  const verification = new Verification(reader, options)
  try {
    await verification.run()
    return { ok: true, ...verification.result }
  } catch (error) {
    if (!(error instanceof ExportFaultFound)) throw error
    return { ok: false, ...verification.result, firstBad: error.finding }
  }
}

class Verification {
  readonly #reader: ExportReader
  readonly #options: VerifyExportOptions
  readonly #chain = new ChainVerifier({ crypto: nativeCrypto })
  readonly #frontier = new Frontier(nativeCrypto)
  readonly #tiles: ExportedTileCheck
  readonly #blocks = new BlockAssembler()
  readonly #notary = new KeyRegistry(nativeCrypto).notary
  #checkpoint: OpenedCheckpoint | undefined
  /** The checkpoint before, while the tree is not as large. */
  #previous: TreeHead | undefined

  constructor(reader: ExportReader, options: VerifyExportOptions) {
    this.#reader = reader
    this.#options = options
    this.#tiles = new ExportedTileCheck(reader)
  }

  get result(): Omit<ExportVerification, 'ok'> {
    const { records, signatures } = this.#chain.summary
    const result = { checked: records, signatures }
    if (this.#checkpoint === undefined) return result
    const { origin, treeSize } = this.#checkpoint.checkpoint
    return { origin, treeSize: Number(treeSize), ...result }
  }

  async run(): Promise<void> {
    const opened = await this.#openCheckpoints()
    const { origin, treeSize, rootHash } = opened.checkpoint
    const manifest = await this.#reader.read(manifestName, maxSmallBytes)
    if (manifest === undefined || Buffer.from(manifest).toString() !== manifestText(origin)) {
      throw fault('manifest-altered', manifestName)
    }
    const size = Number(treeSize)
    for (let index = 0; index * tileWidth < size; index++) {
      await this.#checkBundle(index, tileIn(size, { level: 0, index }).width)
      this.#options.onProgress?.(this.#frontier.size, size)
    }
    await this.#tiles.finish()
    if (!bytesEqual(this.#frontier.root(), rootHash)) throw fault('checkpoint-mismatch', 'checkpoint')
    if (!this.#blocks.isBetweenBlocks) throw fault('checkpoint-mismatch', 'checkpoint', size)
    const finding = await this.#chain.finish()
    if (finding !== undefined) throw new ExportFaultFound({ ...finding, file: 'checkpoint' })
    this.#checkLogKey(opened)
    await this.#checkKeyFiles(origin)
  }

  async #openCheckpoints(): Promise<OpenedCheckpoint> {
    const vkeys = this.#options.vkeys ?? (await this.#ownVkeys())
    const verifiers = vkeys.map((vkey) => ed25519NoteVerifier(parseVerifierKey(vkey, nativeCrypto), nativeCrypto))
    const open = async (name: string) => {
      const note = await this.#reader.read(name, maxSmallBytes)
      const untrusted = fault('checkpoint-untrusted', name)
      return note === undefined ? undefined : parsed(() => openCheckpoint(note, verifiers), untrusted)
    }
    const opened = await open('checkpoint')
    if (opened === undefined) throw fault('checkpoint-missing', 'checkpoint')
    if (opened.checkpoint.treeSize > BigInt(Number.MAX_SAFE_INTEGER)) throw fault('checkpoint-untrusted', 'checkpoint')
    this.#checkpoint = opened
    this.#previous = (await open('checkpoint.previous'))?.checkpoint
    return opened
  }

  async #ownVkeys(): Promise<readonly string[]> {
    const vkeys: string[] = []
    for (const number of ['', ...Array.from({ length: 99 }, (_, i) => `.${i + 1}`)]) {
      const vkey = await this.#reader.read(`keys/log.vkey${number}`, maxSmallBytes)
      if (vkey === undefined && number !== '') break
      if (vkey === undefined) throw fault('key-file-mismatch', 'keys/log.vkey')
      vkeys.push(Buffer.from(vkey).toString().trim())
    }
    for (const vkey of vkeys) {
      parsed(() => parseVerifierKey(vkey, nativeCrypto), fault('key-file-mismatch', 'keys/log.vkey'))
    }
    return vkeys
  }

  /** Leaves, headers and records of one bundle; the blocks that end in it; the tiles that it completes. */
  async #checkBundle(index: number, width: number): Promise<void> {
    const first = index * tileWidth
    const leaves = await this.#items('entries', index, width)
    if (leaves.found.length < width || (leaves.isExact && leaves.found.length > width)) throw leaves.malformed
    const headers = await this.#items('headers', index, width)
    let used = 0
    let i = 0
    const records = { kind: 'records', index, width } as const
    for await (const item of this.#reader.readRecords(records)) {
      if (this.#blocks.isBetweenBlocks) {
        const signed = headers.found[used++]
        if (signed === undefined) throw headers.malformed
        parsed(() => this.#blocks.begin(first + i, signed), headers.malformed)
      }
      const leaf = leaves.found[i] as Uint8Array
      const malformed = fault('file-malformed', logFilePath(records), first + i)
      const block = parsed(() => this.#blocks.add(decodeRecordItem(item, leaf)), malformed)
      if (block !== undefined) await this.#checkBlock(block)
      i++
    }
    if (headers.isExact && headers.found.length > used) throw headers.malformed
    await this.#checkLeaves(leaves.found.slice(0, width))
  }

  async #items(kind: 'entries' | 'headers', index: number, width: number) {
    const file = { kind, index, width } as const
    const malformed = fault('file-malformed', logFilePath(file), index * tileWidth)
    const { bytes, isExact }: FoundFile = await this.#reader.readFile(file)
    return { found: parsed(() => parseItems(bytes), malformed), isExact, malformed }
  }

  async #checkBlock({ firstIndex, count, encoded, record }: AssembledBlock): Promise<void> {
    const finding = await this.#chain.add(firstIndex, encoded)
    if (finding !== undefined) throw new ExportFaultFound({ ...finding, file: fileOf(finding, this.#size) })
    // The keys of the notary change in blocks of one record, which the verifier has just found right.
    if (record !== undefined && (count === 1 || firstIndex === 0)) this.#followKeys(record, firstIndex)
  }

  #followKeys(encoded: Uint8Array, index: number): void {
    const record = decodeRecord(encoded)
    if (record.kind === 'genesis') this.#notary.begin(parseGenesis(record, nativeCrypto))
    if (record.kind !== 'key') return
    const event = parseKeyEvent(record, nativeCrypto)
    if (isRotation(event)) this.#notary.rotate(event, index)
  }

  async #checkLeaves(leaves: readonly Uint8Array[]): Promise<void> {
    const hashes = leaves.map((leaf) => leafHash(leaf, nativeCrypto))
    this.#checkPrevious(hashes)
    await this.#tiles.add(this.#frontier.grow(hashes))
  }

  #checkPrevious(hashes: readonly Uint8Array[]): void {
    const previous = this.#previous
    const more = previous === undefined ? 0 : Number(previous.treeSize) - this.#frontier.size
    if (previous === undefined || more > hashes.length) return
    const frontier = this.#frontier.clone()
    frontier.grow(hashes.slice(0, more))
    if (!bytesEqual(frontier.root(), previous.rootHash)) throw fault('checkpoint-mismatch', 'checkpoint.previous')
    this.#previous = undefined
  }

  #checkLogKey({ verified }: OpenedCheckpoint): void {
    const { genesis } = this.#chain.summary
    const isNamed = verified.some(({ key, name }) =>
      this.#notary.logs.some((log) => genesis?.origin === name && bytesEqual(log.key, key.publicKey)),
    )
    if (!isNamed) throw fault('log-key-mismatch', 'checkpoint')
  }

  async #checkKeyFiles(origin: string): Promise<void> {
    for (const [name, text] of publicKeyFiles(origin, this.#notary)) {
      const found = await this.#reader.read(`keys/${name}`, maxSmallBytes)
      if (found === undefined || Buffer.from(found).toString() !== text)
        throw fault('key-file-mismatch', `keys/${name}`)
    }
  }

  get #size(): number {
    return Number(this.#checkpoint?.checkpoint.treeSize)
  }
}

/** Where a fault of the chain is seen. */
function fileOf({ cause, index }: ChainFinding, treeSize: number): string {
  const bundle = Math.min(Math.floor(index / tileWidth), Math.floor((treeSize - 1) / tileWidth))
  const { width } = tileIn(treeSize, { level: 0, index: bundle })
  return logFilePath({ kind: seenIn[cause] ?? 'records', index: bundle, width })
}

/** Faults that are not seen in records. */
const seenIn: Partial<Record<ChainFault, 'entries' | 'headers'>> = {
  'missing-block': 'headers',
  'misplaced-block': 'headers',
  'header-signature-invalid': 'headers',
  'previous-hash-mismatch': 'headers',
  'header-inconsistent': 'headers',
  'leaf-mismatch': 'entries',
  'root-mismatch': 'entries',
}

function fault(cause: ExportFault, file: string, index?: number): ExportFaultFound {
  return new ExportFaultFound({ cause, file, ...(index === undefined ? undefined : { index }) })
}

/** Runs a parser; bytes that it refuses become the fault. */
function parsed<T>(parse: () => T, found: ExportFaultFound): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof NoteError || error instanceof RangeError) throw found
    throw error
  }
}
