import { createRequire } from 'node:module'

/** Version of this package; found by its own name, so that it is right from the sources and from a build. */
export const version: string = (createRequire(import.meta.url)('notarymq/package.json') as { version: string }).version
