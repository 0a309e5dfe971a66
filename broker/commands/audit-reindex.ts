import { exitCode, type Output, parseOptions, usageError } from '../../clients/cli/command.ts'
import { ProgressBar } from '../../clients/cli/progress-bar.ts'
import { briskPace, LevelAuditStore, nativeCrypto, openStoreDatabase, QueryIndex } from '../../plugins/index.ts'
import { decodeChainState } from '../../protocol/index.ts'
import { dataDirectoryOf } from './data-directory.ts'

/** `audit reindex --db DIR`: builds the index for queries of a stopped broker anew. */
export async function auditReindex(args: readonly string[], output: Output): Promise<number> {
  const { db } = parseOptions(args, { db: { type: 'string' } })
  if (db === undefined) throw usageError('--db is needed: the data directory of a stopped broker')
  const database = await openStoreDatabase(dataDirectoryOf(db), false)
  try {
    const store = new LevelAuditStore(database)
    const state = await store.readState()
    const nextIndex = state === undefined ? 0 : decodeChainState(state, nativeCrypto).frontier.size
    let failures = 0
    const index = await QueryIndex.open({
      chain: { database, store, nextIndex },
      onError: (error) => {
        failures++
        output.error(`warning: ${error instanceof Error ? error.message : error}`)
      },
    })
    await index.clear()
    // What was there before does not count.
    failures = 0
    const segments = index.backlog
    const pace = briskPace()
    const bar = new ProgressBar(process.stderr)
    const total = segments * index.segmentRecords
    try {
      while (await index.buildNext(pace)) bar.show({ records: total - index.backlog * index.segmentRecords, total })
    } finally {
      bar.end()
    }
    output.out(`${segments - failures} segments indexed, ${nextIndex} records in the chain`)
    return failures === 0 ? exitCode.ok : exitCode.no
  } finally {
    await database.close()
  }
}
