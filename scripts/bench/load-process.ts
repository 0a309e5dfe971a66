import { runLoad } from './run-load.ts'
import type { LoadJob } from './workload.ts'

// Entry point of the load generator's own process: one job in, one outcome out, until the parent goes away.

process.on('message', (job: LoadJob) => {
  runLoad(job).then(
    (outcome) => process.send?.({ outcome }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole process group; the parent decides when we end.
process.on('SIGINT', () => {})
