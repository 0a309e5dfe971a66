export { exchangeOverLink, type NotaryLinkClient } from './notary-link-client.ts'
export { type KeyExchangeSettings, performKeyExchange } from './perform-key-exchange.ts'
