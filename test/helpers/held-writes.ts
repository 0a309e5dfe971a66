import type { TestContext } from 'node:test'
import type { StoreDatabase } from '../../plugins/index.ts'
import { atEnd } from './cleanup.ts'

/** Batches of a store that wait until the test lets them go. */
export interface HeldWrites {
  /** Resolves when the first of them waits. */
  readonly begun: Promise<void>
  /** Lets it and all later ones go. They go at the end of the test in any case. */
  readonly release: () => void
}

/** Holds back what a running broker writes from now on. */
export function holdWrites(t: TestContext, database: StoreDatabase): HeldWrites {
  const batch = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let begin: () => void = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const held = async (...args: unknown[]) => {
    begin()
    await released
    return batch(...args)
  }
  Object.assign(database, { batch: held })
  atEnd(t, release)
  return { begun, release }
}
