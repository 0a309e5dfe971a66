/** What edges count: packets and their bytes, of all connections together. `BrokerCounters` says what each means. */
export interface Traffic {
  messagesReceived: number
  messagesSent: number
  bytesReceived: number
  bytesSent: number
  publishesReceived: number
  publishesSent: number
  publishBytesReceived: number
  publishBytesSent: number
}

/** Counts for nobody. */
export function uncounted(): Traffic {
  return {
    messagesReceived: 0,
    messagesSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    publishesReceived: 0,
    publishesSent: 0,
    publishBytesReceived: 0,
    publishBytesSent: 0,
  }
}
