import { access } from './access.ts'
import { delivery } from './delivery.ts'
import { limits } from './limits.ts'
import { logins } from './logins.ts'
import { reloads } from './reloads.ts'
import type { Step } from './stage.ts'

/** The whole script; the last part ends the broker. */
export const steps: readonly Step[] = [...logins, ...access, ...delivery, ...limits, ...reloads]
