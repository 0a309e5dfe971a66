import { type BuildResult, build } from 'esbuild'

/** The root of the project is where a bundle's names of files begin. */
const root = new URL('../..', import.meta.url).pathname

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
