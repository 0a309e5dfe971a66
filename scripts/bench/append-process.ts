import { performance } from 'node:perf_hooks'
import { AuditChain } from '../../plugins/index.ts'
import { fillChain } from '../chain/fill-chain.ts'

// Entry point of a child process: appends records to a new chain in an empty directory, and sends the rate.

const [location = '', records, perCommit] = process.argv.slice(2)
const chain = await AuditChain.open({ location })
const startedAt = performance.now()
await fillChain(chain, { records: Number(records), perCommit: Number(perCommit) })
const seconds = (performance.now() - startedAt) / 1000
await chain.close()
process.send?.(Number(records) / seconds)
