import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What Node is started with. */
export interface Program {
  readonly execArgv: readonly string[]
  /** Absolute. */
  readonly path: string
}

/**
 * A module to be run in a process of its own: as `npm test` has built it, which starts in a fraction of the time, or
 * from its source.
 * @param source the program's, or one whose name ends in `-process.ts`; relative to the root of the project
 */
export function programOf(source: string): Program {
  const built = process.env.NOTARYMQ_TEST_BUILD
  return built === undefined
    ? { execArgv: ['--import', import.meta.resolve('tsx')], path: join(root, source) }
    : { execArgv: ['--enable-source-maps'], path: join(built, source.replace(/\.ts$/, '.js')) }
}

/** The same as arguments of Node. */
export function programArguments(source: string): string[] {
  const { execArgv, path } = programOf(source)
  return [...execArgv, path]
}
