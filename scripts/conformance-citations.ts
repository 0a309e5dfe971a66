import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Standard, standards } from '../test/conformance/statements/statement.ts'

/** A test whose name cites a statement. */
export interface CitingTest {
  /** Below the root of the repository. */
  readonly file: string
  /** Without the citations. A `${...}` of a loop stands as in the source. */
  readonly name: string
}

export interface Citation extends CitingTest {
  readonly standard: Standard
  /** As `3.3.1-5`. */
  readonly id: string
}

const citation = /\[MQTT-([\d.]+) ([^\]]*)\]/g
/** A string on one line with a citation in it: the name of a test, or of a case in a table of them. */
const citingString = /(['"`])((?:(?!\1)[^\\\n]|\\.)*?\[MQTT-[\d.]+ [^\]\n]*\](?:(?!\1)[^\\\n]|\\.)*)\1/g
/** A whole section, `[MQTT-5.0 4.7]`: fine to say, but no statement. */
const section = /^\d+(\.\d+)*$/

/** What the names of the tests below `directory` cite, in the order of files and lines. */
export function citationsBelow(root: string, directory = 'test'): readonly Citation[] {
  return testFilesBelow(root, directory).flatMap((file) => citationsIn(file, readFileSync(join(root, file), 'utf8')))
}

/**
 * What the strings of one test file cite. Comments do not count: they are reasons, not tests.
 * @throws {Error} for a standard that does not exist
 */
export function citationsIn(file: string, source: string): readonly Citation[] {
  const code = source.replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')
  return [...code.matchAll(citingString)].flatMap((found) => {
    const text = (found[2] as string).replaceAll(/\\(.)/g, '$1')
    const name = text.replaceAll(citation, '').replaceAll(/\s+/g, ' ').trim()
    return [...text.matchAll(citation)].flatMap(([whole, standard, ids]) => {
      if (!isStandard(standard)) throw new Error(`${file}: there is no such standard: ${whole}`)
      return (ids as string)
        .split(',')
        .map((id) => id.trim())
        .filter((id) => !section.test(id))
        .map((id) => ({ standard, id, file, name }))
    })
  })
}

function isStandard(text: string | undefined): text is Standard {
  return standards.some((standard) => standard === text)
}

function testFilesBelow(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${directory}/${entry.name}`
      if (entry.isDirectory()) return entry.name === 'vectors' ? [] : testFilesBelow(root, path)
      // The tests of this very collection speak of citations that they do not make.
      return entry.name.endsWith('.test.ts') && !path.startsWith('test/scripts/') ? [path] : []
    })
}
