import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { AnchorFile, PluginError } from '../../../plugins/index.ts'
import { type AnchoredChain, openAnchored, putBack } from '../../helpers/anchored-chain.ts'
import { appendPublishes } from '../../helpers/checkpointed-chain.ts'
import { copyOfData } from '../../helpers/stored-chain.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

/**
 * What happens to a data directory. `fail`: a crash between storing a checkpoint and anchoring it; `restart`: a crash
 * after a checkpoint was anchored, or between two. `aside`: records that somebody adds to the copy without the anchor.
 */
type Step =
  | { readonly do: 'append' | 'checkpoint' | 'fail' | 'restart' | 'copy' }
  | { readonly do: 'putBack'; readonly copy: number; readonly aside: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('append', 'checkpoint', 'fail', 'restart', 'copy').map((word) => ({ do: word }) as Step),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }))
      .map(([copy, aside]) => ({ do: 'putBack', copy, aside }) as const),
  },
)

/** Plays a history beside a model of it: the chain as a list of names that no two records share. */
class History {
  readonly #t: TestContext
  readonly #location: string
  readonly #file: AnchorFile
  readonly #copies: { readonly directory: string; readonly records: readonly number[] }[] = []
  #records: readonly number[] = []
  /** What the newest anchored checkpoint covers. */
  #published: readonly number[] = []
  #names = 0
  /** The code with which the last start was refused. */
  refusal = ''
  #open: AnchoredChain | undefined

  constructor(t: TestContext) {
    this.#t = t
    this.#location = join(temporaryDirectory(t), 'data')
    this.#file = new AnchorFile(temporaryDirectory(t))
  }

  /** Starts it. @returns false when that is refused, as the model says it must be */
  async start(): Promise<boolean> {
    const isContradicted = this.#published.some((name, i) => this.#records[i] !== name)
    try {
      this.#open = await openAnchored(this.#location, [this.#file])
    } catch (error) {
      assert.ok(error instanceof PluginError && isContradicted, `refused: ${error}`)
      const isShorter = this.#records.length < this.#published.length
      this.refusal = isShorter ? 'ERR_CHAIN_ROLLED_BACK' : 'ERR_CHAIN_FORKED'
      assert.equal(error.code, this.refusal)
      return false
    }
    assert.ok(!isContradicted, 'started, though a published checkpoint is contradicted')
    if (this.#records.length === 0) this.#records = [this.#names++]
    // A checkpoint that was stored, and not anchored, is anchored by the start.
    this.#published = this.#records.slice(0, this.#open.keeper.newest?.treeSize ?? 0)
    return true
  }

  async stop(): Promise<void> {
    // Without the last checkpoint of an orderly end.
    await this.#open?.chain.close()
    this.#open = undefined
  }

  async #goOnAside(count: number): Promise<void> {
    if (count === 0) return
    const { chain } = await openAnchored(this.#location, [])
    await appendPublishes(chain, count)
    await chain.close()
    this.#records = [...this.#records, ...Array.from({ length: count }, () => this.#names++)]
  }

  /** @returns false when the history ends here */
  async play(next: Step): Promise<boolean> {
    const open = this.#open ?? assert.fail('not started')
    if (next.do === 'append') {
      await appendPublishes(open.chain, 1)
      this.#records = [...this.#records, this.#names++]
      return true
    }
    if (next.do === 'checkpoint') {
      await open.keeper.make()
      this.#published = this.#records
      return true
    }
    if (next.do === 'fail') {
      // Where the new anchor would be written, so that it cannot be.
      mkdirSync(`${this.#file.path}.new`)
      await open.keeper.make()
      rmSync(`${this.#file.path}.new`, { recursive: true })
    }
    await this.stop()
    if (next.do === 'copy') {
      this.#copies.push({ directory: copyOfData(this.#t, this.#location), records: this.#records })
    } else if (next.do === 'putBack') {
      const copy = this.#copies[next.copy % this.#copies.length]
      if (copy !== undefined) {
        putBack(copy.directory, this.#location)
        this.#records = copy.records
        await this.#goOnAside(next.aside)
      }
    }
    return this.start()
  }
}

test('a start is refused exactly when it would contradict a checkpoint that was published', async (t) => {
  const refusals = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const history = new History(t)
      assert.ok(await history.start())
      assert.ok(await history.play({ do: 'copy' }))
      for (const next of steps) {
        if (await history.play(next)) continue
        refusals.add(history.refusal)
        break
      }
      await history.stop()
    }),
    { seed: 6, numRuns: 25, endOnFailure: true },
  )
  assert.deepEqual([...refusals].sort(), ['ERR_CHAIN_FORKED', 'ERR_CHAIN_ROLLED_BACK'], 'both were met')
})
