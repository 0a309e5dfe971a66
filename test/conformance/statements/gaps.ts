import type { Standard } from './statement.ts'

const noAuth = 'The broker has no Authentication Method and sends no AUTH'

/** Why a statement that binds a server has no test, by its id. */
export const reasonsForGaps: Readonly<Record<Standard, Readonly<Record<string, string>>>> = {
  '3.1.1': {
    '4.8.0-2': 'Nothing that a client sends causes a transient error; the tests of a failing store show the end',
    '7.0.0-1': 'There are no bridges yet',
  },
  '5.0': {
    '3.1.3-8': 'The broker rejects no client id that is a string',
    '3.2.2-10': 'The broker supports all QoS',
    '3.2.2-12': 'The broker supports all QoS',
    '3.2.2-13': 'The broker supports retained messages',
    '3.15.2-1': noAuth,
    '3.15.2-2': noAuth,
    '3.15.2-3': noAuth,
    '4.12.0-2': noAuth,
    '4.12.0-5': noAuth,
  },
}
