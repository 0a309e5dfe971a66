/** Writes the vectors of docs/envelope.md from what the code computes. A test compares the two. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withVectors } from './envelope-document.ts'

const path = fileURLToPath(new URL('../docs/envelope.md', import.meta.url))
writeFileSync(path, await withVectors(readFileSync(path, 'utf8')))
