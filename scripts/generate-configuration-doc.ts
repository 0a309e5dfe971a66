/** Writes docs/configuration.md from the tables in the sources. A test compares the two. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configurationDocument } from './configuration-document.ts'

writeFileSync(fileURLToPath(new URL('../docs/configuration.md', import.meta.url)), configurationDocument())
