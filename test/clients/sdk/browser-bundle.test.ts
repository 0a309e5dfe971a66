import assert from 'node:assert/strict'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** With MQTT.js, which is most of it: kB of 1000 bytes. */
const mostKilobytes = { minified: 480, gzipped: 160 } as const

test('a bundler makes a browser bundle of the SDK that has no Node module in it, and it is not too large', async (t) => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(import.meta.dirname, '../../../clients/sdk/index.ts')],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2023',
    minify: true,
    metafile: true,
    write: false,
  })
  const inputs = Object.keys(metafile.inputs)
  assert.ok(inputs.includes('clients/platform/browser.ts'), inputs.join('\n'))
  assert.ok(!inputs.includes('clients/platform/node.ts'))
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  const ofNode = imported.filter((path) => path.startsWith('node:') || builtinModules.includes(path))
  assert.deepEqual(ofNode, [])
  const code = outputFiles[0]?.contents ?? assert.fail('no bundle')
  const sizes = { minified: code.length / 1000, gzipped: gzipSync(code).length / 1000 }
  t.diagnostic(`browser bundle: ${sizes.minified.toFixed(0)} kB, gzipped ${sizes.gzipped.toFixed(0)} kB`)
  assert.ok(sizes.minified < mostKilobytes.minified && sizes.gzipped < mostKilobytes.gzipped, JSON.stringify(sizes))
})
