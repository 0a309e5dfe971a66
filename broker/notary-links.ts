import { nativeCrypto, refusalOf } from '../plugins/index.ts'
import type { ConnectionContext } from './connection/connection-context.ts'
import { LinkPublisher } from './link-publisher.ts'
import { type Accept, type LinkContext, NotaryLink } from './listeners/index.ts'

/** Longest content of a frame where nothing else limits a message. */
const defaultMaxFrameBytes = 1024 * 1024
/** What a signed message has beside its payload: topic, envelope, hop MAC. */
const envelopeBytes = 66 * 1024
const idleTimeoutMs = 10 * 60 * 1000

/** What links need of what connections share. */
export type NotaryLinksContext = Pick<
  ConnectionContext,
  'gate' | 'sessions' | 'access' | 'receipts' | 'keyExchange' | 'isDiskFull' | 'messageSizeLimit' | 'log' | 'onError'
>

/** Takes the connections of `protocol notary-link` listeners. */
export function acceptNotaryLinks(context: NotaryLinksContext): Accept {
  const { gate, sessions, access, receipts, keyExchange, isDiskFull, log, onError } = context
  const publisher = new LinkPublisher({
    sessions,
    gate,
    mayWrite: (client, topicName) => access.mayWrite(client, topicName),
    isDiskFull,
    receipts,
    onRefused: (publish, cause) => {
      const { topic, publisher: client, payloadBytes } = refusalOf(gate, cause, publish)
      log.notice(`Denied PUBLISH on a link from ${client.clientId} ('${topic}', ${payloadBytes} bytes): ${cause}`)
    },
  })
  const links: LinkContext = {
    keyExchange,
    crypto: nativeCrypto,
    get maxFrameBytes() {
      const { messageSizeLimit } = context
      return messageSizeLimit === 0 ? defaultMaxFrameBytes : messageSizeLimit + envelopeBytes
    },
    idleTimeoutMs,
    publish: (...publish) => publisher.publish(...publish),
    onNotice: log.notice,
    onRefused: (cause, listener) => {
      gate.counters.countRefusal(cause)
      log.notice(`Refused key exchange on ${listener}: ${cause}`)
    },
    onError,
    now: Date.now,
  }
  return (transport, arrival) => {
    // It keeps itself alive by listening to its transport.
    new NotaryLink(transport, arrival, links)
  }
}
