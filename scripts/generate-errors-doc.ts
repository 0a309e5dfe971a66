/** Writes docs/errors.md from the tables in the sources. A test compares the two. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorsDocument } from './errors-document.ts'

writeFileSync(fileURLToPath(new URL('../docs/errors.md', import.meta.url)), errorsDocument())
