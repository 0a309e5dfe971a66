/**
 * What went through the broker since it started, in Mosquitto's meaning as measured with 2.0.11. Hot paths do
 * `counters.messagesReceived += 1`; everything else reads.
 *
 * Bytes are those of MQTT packets with their fixed headers, without TLS, WebSocket and TCP. Mosquitto 2.0.11 leaves QoS 2
 * and retained PUBLISH packets out of `publish/messages/received` against its own manual; here all count.
 */
export class BrokerCounters {
  /** TCP connections accepted by a listener, also those that never become MQTT. */
  sockets = 0
  /** CONNECT packets that came complete, also those that are refused. */
  connections = 0
  /** Packets of any type from clients, CONNECT and DISCONNECT among them. */
  messagesReceived = 0
  /** Packets of any type to clients, CONNACK among them, also one that refuses. */
  messagesSent = 0
  /** Bytes of packets from clients. */
  bytesReceived = 0
  /** Bytes of packets to clients. */
  bytesSent = 0
  /** PUBLISH packets from clients: denied, too large, repeated ones too. Wills and bridges are none. */
  publishesReceived = 0
  /** PUBLISH packets to clients: one for each subscriber, repeated ones too. */
  publishesSent = 0
  /**
   * Messages that one subscriber did not get because its queue was full, or its connection did not keep up. A denied
   * publish, one beyond `message_size_limit` and one that expired are none.
   */
  publishesDropped = 0
  /** Payload bytes of {@link publishesReceived}. */
  publishBytesReceived = 0
  /** Payload bytes of {@link publishesSent}. */
  publishBytesSent = 0
  /** Sessions that ended because their time was over. */
  clientsExpired = 0
  /** Answers, receipts and events of the broker that were left out, since they were larger than their client takes. */
  answersTooLarge = 0
  /** CONNECT packets refused because of who they come from, or of what they give as proof of it. */
  loginsRefused = 0
  /** Connections closed because too many signatures or MACs on them did not verify. */
  forgersDisconnected = 0
  /** Publishes refused by access control, beside those that the gate refuses and counts by cause. */
  publishesDenied = 0
}

/** The counters at some time. */
export type BrokerCounts = Readonly<BrokerCounters>
