import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { bundleForBrowsers } from '../../helpers/browser-bundle.ts'

/** What docs/sdk.md says of the size, in kB of 1000 bytes. */
function statedSizes(): { minified: number; gzipped: number } {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/sdk.md'), 'utf8')
  const [, minified, gzipped] = /less than (\d+) kB, (\d+) kB gzipped/.exec(page) ?? assert.fail('no size')
  return { minified: Number(minified), gzipped: Number(gzipped) }
}

test('a bundler makes a browser bundle of the SDK that has no Node module in it, of the size that docs/sdk.md says', async (t) => {
  const { outputFiles, metafile } = await bundleForBrowsers('clients/sdk/index.ts')
  const inputs = Object.keys(metafile.inputs)
  assert.ok(inputs.includes('clients/platform/browser.ts'), inputs.join('\n'))
  assert.ok(!inputs.includes('clients/platform/node.ts'))
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  const ofNode = imported.filter((path) => path.startsWith('node:') || builtinModules.includes(path))
  assert.deepEqual(ofNode, [])
  const code = outputFiles[0]?.contents ?? assert.fail('no bundle')
  const sizes = { minified: code.length / 1000, gzipped: gzipSync(code).length / 1000 }
  t.diagnostic(`browser bundle: ${sizes.minified.toFixed(0)} kB, gzipped ${sizes.gzipped.toFixed(0)} kB`)
  const stated = statedSizes()
  for (const size of ['minified', 'gzipped'] as const) {
    // Nor is the statement one that would hold for anything.
    assert.ok(sizes[size] < stated[size] && sizes[size] > 0.9 * stated[size], JSON.stringify({ sizes, stated }))
  }
})
