import { fileURLToPath } from 'node:url'
import { type BuildResult, build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles a module with everything that it loads, as a site would for its pages. @param entry relative to the root */
export function bundleForBrowsers(entry: string): Promise<BuildResult<{ metafile: true; write: false }>> {
  return build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2023',
    minify: true,
    metafile: true,
    write: false,
  })
}
