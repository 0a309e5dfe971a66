export { SecureClient, type SecureClientOptions } from './secure-client.ts'
export { type LinkSettings, SecureLink } from './secure-link.ts'
export { SecureServer, type SecureServerOptions } from './secure-server.ts'
