export type { DirectClient } from './direct-client.ts'
export { DirectTopics, type OwnTopic } from './direct-topics.ts'
export type { AdminRights } from './rights.ts'
export { AdminService, type AdminServiceOptions } from './service.ts'
