/** Writes test/conformance/README.md from the names of the tests. A test compares the two. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { citationsBelow } from './conformance-citations.ts'
import { conformanceDocument, unknownCitations } from './conformance-document.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const citations = citationsBelow(root)
const unknown = unknownCitations(citations)
for (const { file, standard, id } of unknown) console.error(`${file}: there is no [MQTT-${standard} ${id}]`)
if (unknown.length > 0) process.exit(1)
writeFileSync(new URL('../test/conformance/README.md', import.meta.url), conformanceDocument(citations))
