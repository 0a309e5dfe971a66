import type { TestContext } from 'node:test'

/** A broker in this process whose configuration is rewritten. */
export interface Scene {
  readonly t: TestContext
  readonly port: number
  /** Of the test: files that lines name. */
  readonly directory: string
}

/** What a line does before and after a reload that changes it, as seen by the same look from outside. */
export interface ReloadCase {
  /** Below the listener. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  /** Makes the files that the lines name. */
  readonly prepare?: (scene: Scene) => void | Promise<void>
  readonly look: (scene: Scene) => Promise<unknown>
  /** `unseen` of the test: not looked at. */
  readonly expected: readonly [before: unknown, after: unknown]
  /** What is to be there, and under which lines it comes about. */
  readonly earlier?: { readonly lines: readonly string[]; readonly act: (scene: Scene) => Promise<void> }
}
