import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code of bridges, with when it happens and what to do. All but the first two are followed by another attempt. */
export const bridgeErrors = {
  ERR_BRIDGE_OPTIONS_INVALID: {
    cause: 'a connection has no address, a topic that makes no topic filter, or the name of another connection',
    remedy: 'correct the lines of the connection that the message names',
  },
  ERR_BRIDGE_TLS_UNUSABLE: {
    cause: 'a certificate or key file of a connection cannot be read, is not PEM, or key and certificate do not match',
    remedy: 'check bridge_cafile, bridge_certfile and bridge_keyfile',
  },
  ERR_BRIDGE_UNREACHABLE: {
    cause: 'the remote broker does not accept the connection, or its certificate is not accepted',
    remedy: 'check address, network and certificates; the bridge goes on trying',
  },
  ERR_BRIDGE_REFUSED: {
    cause: 'the remote broker, or this one, refused what the bridge asked for: CONNECT or a message for now',
    remedy: 'check user name, password, client id and what they may do at the broker that the message names',
  },
  ERR_BRIDGE_LOST: {
    cause: 'a connection of the bridge ended, or nothing was heard for too long',
    remedy: 'none is needed if it comes back; two clients with one client id end each other again and again',
  },
} as const satisfies Record<string, ErrorExplanation>

export type BridgeErrorCode = keyof typeof bridgeErrors

/** Thrown by `createBridges` for its options; given to the log by bridges that run. */
export class BridgeError extends CodedError<BridgeErrorCode> {}
