import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

/**
 * Starts a module beside the caller's as a worker thread. Whoever wants a thread that holds no process open calls
 * `unref()` after its last `on('message')`, since listening holds it open again (run).
 * @param name file name without extension
 * @param callerUrl `import.meta.url` of the caller
 */
export function startWorker(name: string, callerUrl: string, workerData?: unknown): Worker {
  if (!callerUrl.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, callerUrl), { workerData })
  const source = bundled(fileURLToPath(new URL(`./${name}.ts`, callerUrl)))
  // Without the options of this process: a bundle has no use for the loader that they name, and starts faster.
  return new Worker(source, { eval: true, execArgv: [], workerData })
}

/** By path; one process starts several threads of a kind. */
const bundles = new Map<string, string>()

/** Running from source, as tests and development do: worker threads of Node 20 have no loader for TypeScript. */
function bundled(path: string): string {
  const known = bundles.get(path)
  if (known !== undefined) return known
  const esbuild = createRequire(import.meta.url)('esbuild') as {
    buildSync(options: object): { readonly outputFiles: readonly { readonly text: string }[] }
  }
  const options = { entryPoints: [path], bundle: true, platform: 'node', target: 'node20', format: 'cjs', write: false }
  const [file] = esbuild.buildSync({ ...options, logLevel: 'error' }).outputFiles
  if (file === undefined) throw new Error(`no bundle of ${path}`)
  bundles.set(path, file.text)
  return file.text
}
