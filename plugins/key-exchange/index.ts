export {
  type ExchangeAnswer,
  type ExchangeConnection,
  type ExchangeRequester,
  KeyExchangeService,
  type KeyExchangeServiceOptions,
} from './key-exchange-service.ts'
export { confirmWithinMs, MacSession, type MacSessionFields } from './mac-session.ts'
export { MacSessions } from './mac-sessions.ts'
