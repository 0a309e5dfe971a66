/** Whom an access control list knows a client by. */
export interface ClientName {
  readonly clientId: string
  /** Undefined: anonymous. */
  readonly username: string | undefined
  /** Name of the listener it came in by, which may have a list of its own; undefined where that was not kept. */
  readonly listener: string | undefined
}

/** What one client may be sent. */
export interface Reader {
  mayRead(topicName: string): boolean
}

/** Who may be sent what: asked at every delivery, since Mosquitto never refuses a SUBSCRIBE for its access control list. */
export interface DeliveryRules {
  /** Undefined: everything. */
  readerOf(client: ClientName): Reader | undefined
  /** Whether who published a retained message might publish it now (`check_retain_source`). */
  mayHavePublished(client: ClientName, topicName: string): boolean
}

export const everythingMayBeRead: DeliveryRules = { readerOf: () => undefined, mayHavePublished: () => true }
