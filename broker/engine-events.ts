import type { Aedes, Client } from 'aedes'
import type { DirectTopics } from '../plugins/index.ts'
import type { Connections } from './connections.ts'
import { describe } from './describe.ts'
import type { BrokerLogger } from './logger.ts'

/** Numbers that Mosquitto 2.0 prints for the protocol versions 3.1, 3.1.1 and 5. */
const protocolNumbers: Readonly<Record<number, number>> = { 3: 1, 4: 2, 5: 5 }

/** Makes the log of what the engine does. An error event without a listener would end the process (engine row 12). */
export function listenToEngine(aedes: Aedes, topics: DirectTopics, connections: Connections, log: BrokerLogger): void {
  aedes.on('client', (client: Client) => {
    const connection = connections.of(client)
    const user = connection?.username === undefined ? '' : `, u'${connection.username}'`
    const flags = `p${protocolNumbers[client.version] ?? client.version}, c${client.clean ? 1 : 0}${user}`
    log.notice(`New client connected from ${connection?.remoteAddress} as ${client.id} (${flags}).`)
  })
  aedes.on('clientDisconnect', (client) => log.notice(`Client ${client.id} disconnected.`))
  aedes.on('clientError', (client, error) => log.information(`Client ${client.id}: ${error.message}`))
  aedes.on('connectionError', (client, error) => {
    log.notice(`Client <unknown> from ${connections.of(client)?.remoteAddress ?? 'an address'}: ${error.message}`)
  })
  aedes.on('keepaliveTimeout', (client) => log.notice(`Client ${client.id} has exceeded timeout, disconnecting.`))
  aedes.on('unsubscribe', (filters, client) => {
    topics.unsubscribe(client, filters)
    for (const filter of filters) log.unsubscribe(`${client.id} ${filter}`)
  })
  // Not in the types of this version: failures of the engine's own housekeeping.
  ;(aedes as NodeJS.EventEmitter).on('error', (error: unknown) => log.error(`Engine: ${describe(error)}`))
}
