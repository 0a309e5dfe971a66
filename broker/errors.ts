import { CodedError, type ErrorExplanation } from '../protocol/coded-error.ts'

/** Every code that `broker/` throws beside those of its configuration, with when it happens and what to do. */
export const brokerErrors = {
  ERR_OPTIONS_INVALID: { cause: 'an option of createBroker has a wrong type or value', remedy: 'see the message' },
  ERR_LISTEN_FAILED: {
    cause: 'the port is in use, or the address is not one of this machine',
    remedy: 'stop what listens there, or choose another port or address',
  },
} as const satisfies Record<string, ErrorExplanation>

export type BrokerErrorCode = keyof typeof brokerErrors

/** Thrown by everything in `broker/` but its configuration. */
export class BrokerError extends CodedError<BrokerErrorCode> {}
