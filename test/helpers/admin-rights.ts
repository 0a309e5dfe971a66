import type { AdminRights } from '../../plugins/index.ts'

/** May everything, and read everything. */
export const administrator: AdminRights = { isAdministrator: true, keys: [], mayRead: () => true }
