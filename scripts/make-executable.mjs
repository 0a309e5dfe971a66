// npm makes the programs of a package executable where it installs it; in this directory, for npx, the build does.
import { chmodSync, readFileSync } from 'node:fs'

const { bin } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
for (const program of Object.values(bin)) chmodSync(new URL(`../${program}`, import.meta.url), 0o755)
