export {
  answerKeyExchange,
  type BrokerSession,
  type ClientSession,
  type KeyExchangeToAnswer,
  type KeyExchangeToSign,
  type KeyExchangeToStart,
  type PendingKeyExchange,
  prepareKeyExchange,
  type SigningKey,
  startKeyExchange,
} from './exchange.ts'
export { checkMessageSize, ExchangeFields, malformedExchange, maxKeyExchangeBytes, nonceBytes } from './fields.ts'
export {
  type KeyExchangeRequest,
  parseKeyExchangeRequest,
  type ReceivedKeyExchangeRequest,
  signKeyExchangeRequest,
  verifyKeyExchangeRequest,
} from './request.ts'
export {
  type ExpectedKeyExchangeResponse,
  type KeyExchangeResponse,
  signKeyExchangeResponse,
  verifyKeyExchangeResponse,
} from './response.ts'
export { deriveSessionKey, type ExchangeTranscript, sessionKeyBytes } from './session-key.ts'
