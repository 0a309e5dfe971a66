import type { AdminRights } from '../../plugins/index.ts'

/** Proved nothing, and may read what everybody may. */
export const stranger: AdminRights = { isAdministrator: false, keys: [], mayRead: () => true }

/** May everything, and read everything. */
export const administrator: AdminRights = { isAdministrator: true, keys: [], mayRead: () => true }
