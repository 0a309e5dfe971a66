import type { BrokerCounts } from './broker-counters.ts'
import type { MetricsSource } from './create-metrics.ts'

interface Reading {
  readonly name: string
  readonly help: string
  readonly read: (source: MetricsSource) => number
}

const counted = (name: string, counter: keyof BrokerCounts, help: string): Reading => ({
  name: `notarymq_${name}_total`,
  help,
  read: (source) => source.snapshot().counters[counter],
})

/** Numbers that only grow. Names end in what is counted and `_total`, with base units (bytes). */
export const counterReadings: readonly Reading[] = [
  counted('sockets', 'sockets', 'TCP connections accepted.'),
  counted('connects', 'connections', 'CONNECT packets received, refused ones too.'),
  counted('packets_received', 'messagesReceived', 'MQTT packets of any type received.'),
  counted('packets_sent', 'messagesSent', 'MQTT packets of any type sent.'),
  counted('received_bytes', 'bytesReceived', 'Bytes of MQTT packets received.'),
  counted('sent_bytes', 'bytesSent', 'Bytes of MQTT packets sent.'),
  counted('publishes_received', 'publishesReceived', 'PUBLISH packets received.'),
  counted('publishes_sent', 'publishesSent', 'PUBLISH packets sent, one for each subscriber.'),
  counted(
    'publishes_dropped',
    'publishesDropped',
    'Messages that a subscriber did not get because its queue was full.',
  ),
  counted('publish_received_bytes', 'publishBytesReceived', 'Payload bytes of PUBLISH packets received.'),
  counted('publish_sent_bytes', 'publishBytesSent', 'Payload bytes of PUBLISH packets sent.'),
  counted('sessions_expired', 'clientsExpired', 'Sessions that ended because their time was over.'),
  counted(
    'answers_too_large',
    'answersTooLarge',
    'Answers, receipts and events left out, as larger than their client takes.',
  ),
  counted('logins_refused', 'loginsRefused', 'CONNECT packets refused because of who they came from.'),
  counted(
    'forgers_disconnected',
    'forgersDisconnected',
    'Connections closed because too many signatures or MACs on them did not verify.',
  ),
  counted('publishes_denied', 'publishesDenied', 'Publishes refused by access control.'),
  {
    name: 'notarymq_publishes_recorded_total',
    help: 'Publishes that became records of the chain.',
    read: (source) => source.publishes().accepted,
  },
  {
    name: 'notarymq_publishes_duplicate_total',
    help: 'Publishes acknowledged again without a second record.',
    read: (source) => source.publishes().duplicates,
  },
  {
    name: 'notarymq_verification_batches_total',
    help: 'Batches of signatures handed to the threads that verify.',
    read: (source) => source.trust().verification.batches,
  },
  {
    name: 'notarymq_verification_threads_lost_total',
    help: 'Threads for signatures that ended by themselves.',
    read: (source) => source.trust().verification.threadsLost,
  },
  {
    name: 'notarymq_scrub_records_total',
    help: 'Stored records checked in the background.',
    read: (source) => source.scrub().counters.records,
  },
  {
    name: 'notarymq_scrub_repaired_tiles_total',
    help: 'Damaged tiles of the tree that were made again from the blocks.',
    read: (source) => source.scrub().counters.repairedTiles,
  },
  {
    name: 'notarymq_erased_bodies_total',
    help: 'Payloads erased, by retention and on request.',
    read: (source) => source.erased().bodies,
  },
  {
    name: 'notarymq_erased_records_total',
    help: 'Records erased with their payloads, by retention and on request.',
    read: (source) => source.erased().records,
  },
  {
    name: 'notarymq_erased_bytes_total',
    help: 'Bytes of payloads and records erased.',
    read: (source) => source.erased().bytes,
  },
]

/** Numbers of this moment. */
export const gaugeReadings: readonly Reading[] = [
  {
    name: 'notarymq_clients_connected',
    help: 'Clients that are connected.',
    read: (source) => source.snapshot().state.clientsConnected,
  },
  {
    name: 'notarymq_sessions_disconnected',
    help: 'Sessions without a connection.',
    read: (source) => source.snapshot().state.clientsDisconnected,
  },
  {
    name: 'notarymq_subscriptions',
    help: 'Subscriptions, without shared ones.',
    read: (source) => source.snapshot().state.subscriptions,
  },
  {
    name: 'notarymq_shared_subscriptions',
    help: 'Shared subscriptions.',
    read: (source) => source.snapshot().state.sharedSubscriptions,
  },
  {
    name: 'notarymq_retained_messages',
    help: 'Retained messages.',
    read: (source) => source.snapshot().state.retainedMessages,
  },
  {
    name: 'notarymq_stored_messages',
    help: 'Messages retained or kept for somebody.',
    read: (source) => source.snapshot().state.storedMessages,
  },
  {
    name: 'notarymq_stored_bytes',
    help: 'Payload bytes of messages retained or kept for somebody.',
    read: (source) => source.snapshot().state.storedBytes,
  },
  {
    name: 'notarymq_inflight_messages',
    help: 'Messages sent to clients and not acknowledged yet.',
    read: (source) => source.snapshot().state.inflightMessages,
  },
  {
    name: 'notarymq_chain_records',
    help: 'Records of the chain.',
    read: (source) => Number(source.chain().treeSize),
  },
  { name: 'notarymq_chain_blocks', help: 'Blocks of the chain.', read: (source) => Number(source.chain().height) },
  {
    name: 'notarymq_chain_pending_bytes',
    help: 'Bytes that wait for a commit.',
    read: (source) => source.chain().pendingBytes,
  },
  {
    name: 'notarymq_chain_outage',
    help: '1 while the store takes no writes.',
    read: (source) => Number(source.chain().isOutage),
  },
  {
    name: 'notarymq_verifications_pending',
    help: 'Signatures that wait for their verdict.',
    read: (source) => source.trust().pendingVerifications,
  },
  {
    name: 'notarymq_mac_sessions',
    help: 'Sessions for hop MACs that are live.',
    read: (source) => source.trust().macSessions,
  },
  {
    name: 'notarymq_penalised_addresses',
    help: 'Addresses that are remembered for too many failed verifications.',
    read: (source) => source.trust().penalisedAddresses,
  },
  {
    name: 'notarymq_scrub_passes',
    help: 'Passes of the background check through the whole chain, since the chain began.',
    read: (source) => source.scrub().status.passes,
  },
  {
    name: 'notarymq_scrub_damaged_places',
    help: 'Damaged places of the store that the chain has a record of.',
    read: (source) => source.scrub().status.damage,
  },
  {
    name: 'notarymq_disk_full',
    help: '1 while publishes are refused because the disk is nearly full.',
    read: (source) => Number(source.chain().isDiskFull),
  },
  {
    name: 'notarymq_witness_quorum',
    help: 'Witnesses that must cosign a checkpoint; 0: none are configured.',
    read: (source) => source.witnesses()?.quorum ?? 0,
  },
  {
    name: 'notarymq_witness_cosigned',
    help: 'Witnesses that cosigned the newest checkpoint.',
    read: (source) => source.witnesses()?.cosigned.length ?? 0,
  },
  {
    name: 'notarymq_witness_covered_records',
    help: 'Records in trees that a quorum of witnesses cosigned.',
    read: (source) => source.witnesses()?.covered ?? 0,
  },
]
