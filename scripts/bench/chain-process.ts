import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { AuditChain, LevelAuditStore, openStoreDatabase, verifyStore } from '../../plugins/index.ts'
import { fillChain } from '../chain/fill-chain.ts'
import { signedDecisions } from '../chain/signed-decisions.ts'

// Entry point of a child process: fills new chains in an empty directory, or verifies them, and sends the rates.

const [kind, directory = '', ...numbers] = process.argv.slice(2)
const [records = 0, perCommit = 0] = numbers.map(Number)

/** For each one of another ten that is not. */
const signedShare = 10

async function append(): Promise<Record<string, number>> {
  const chain = await AuditChain.open({ location: directory })
  const recorded = await rateOf(records, () => fillChain(chain, { records, perCommit }))
  await chain.close()
  return { recorded }
}

async function verify(): Promise<Record<string, number>> {
  const signed = Math.ceil(records / signedShare)
  const plain = await AuditChain.open({ location: join(directory, 'plain') })
  await fillChain(plain, { records, perCommit })
  await plain.close()
  const chain = await AuditChain.open({ location: join(directory, 'signed') })
  await fillChain(chain, { records: signed, perCommit, decide: await signedDecisions(chain) })
  await chain.close()
  return { hashed: await verified('plain', records, true), verified: await verified('signed', signed, false) }
}

async function verified(name: string, count: number, hashesOnly: boolean): Promise<number> {
  const database = await openStoreDatabase(join(directory, name), false)
  const store = new LevelAuditStore(database)
  const rate = await rateOf(count, async () => {
    const { ok, checked, signatures } = await verifyStore({ store, hashesOnly })
    const isAll = ok && checked > count && signatures === (hashesOnly ? 0 : count)
    if (!isAll) throw new Error(`of ${count} records ${checked} verify, and ${signatures} signatures`)
  })
  await database.close()
  return rate
}

async function rateOf(count: number, run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return (count / (performance.now() - startedAt)) * 1000
}

process.send?.(await (kind === 'verify' ? verify() : append()))
