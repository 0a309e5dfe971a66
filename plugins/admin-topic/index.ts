export { type DirectClient, DirectTopics, type OwnTopic } from './direct-topics.ts'
export type { AdminRights } from './rights.ts'
export { AdminService, type AdminServiceOptions } from './service.ts'
