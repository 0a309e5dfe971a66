import type { IConnackPacket, IDisconnectPacket, Packet } from 'mqtt'
import type { DroppedReceipts } from '../../protocol/index.ts'
import type { IncomingMessage } from './incoming-message.ts'
import type { Equivocation } from './log-guard.ts'
import type { VerifiedReceipt } from './receipts.ts'
import type { RejectedPublish } from './rejected.ts'

/** Events of a client and what their listeners are called with. */
export interface NotaryClientEvents {
  /** Connected, and everything that the options ask for is proved and agreed on; at each reconnect again. */
  connect: [packet: IConnackPacket]
  message: [topic: string, payload: Uint8Array, message: IncomingMessage]
  /** A message that `accept: 'verified'` holds back. */
  dropped: [message: IncomingMessage]
  /** A publish of this client is in the log, verified. */
  receipt: [receipt: VerifiedReceipt]
  /** The broker pushes no receipts for some of this client's publishes: too many waited. `audit.receipt` gives them. */
  receiptsDropped: [dropped: DroppedReceipts]
  /** The broker refused a publish of this client. */
  rejected: [publish: RejectedPublish]
  /** The log contradicts itself. It is told as an `error` too. */
  equivocation: [equivocation: Equivocation]
  error: [error: Error]
  packetsend: [packet: Packet]
  packetreceive: [packet: Packet]
  disconnect: [packet: IDisconnectPacket]
  reconnect: []
  offline: []
  close: []
  end: []
  outgoingEmpty: []
}
