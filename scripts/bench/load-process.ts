import type { Job } from './jobs.ts'
import { measure } from './measure.ts'

// Entry point of the load generator's own process: one job in, one answer out, until the parent goes away.

process.on('message', (job: Job) => {
  measure(job).then(
    (measured) => process.send?.({ measured }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole process group; the parent decides when we end.
process.on('SIGINT', () => {})
