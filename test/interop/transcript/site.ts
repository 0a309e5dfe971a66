import type { ConnectFields } from '../../helpers/conformance/build.ts'
import { passwordLine } from '../../helpers/passwords.ts'
import type { Site } from './program.ts'

export const passwords = [
  passwordLine('ann', 'apple'),
  passwordLine('bob', 'banana'),
  passwordLine('carol', 'cherry'),
  passwordLine('dora', 'date'),
  '# a comment',
  'no colon',
  'plain:text',
  '',
].join('\n')

export const acl = [
  'topic read open/#',
  'topic write inbox/#',
  '',
  'user ann',
  'topic readwrite #',
  'topic read $SYS/#',
  '',
  'user bob',
  'topic open/#',
  'topic deny open/secret/#',
  'topic read data/+',
  'topic write data/bob',
  '',
  'pattern readwrite sync/#',
  'pattern readwrite home/%u/#',
  'pattern write c/%c/state',
  'pattern deny home/%u/locked',
  '',
].join('\n')

export const lines = [
  'allow_anonymous true',
  'persistence true',
  'max_packet_size 4000',
  'message_size_limit 1000',
  'max_queued_messages 5',
  'max_inflight_messages 3',
  'max_keepalive 600',
  'sys_interval 1',
]

/** The site at the beginning of the script. */
export const site: Site = { lines, passwords, acl }

/** Who may do everything. */
export const ann = (fields: ConnectFields = {}): ConnectFields => ({
  clientId: 'ann-1',
  level: 5,
  username: 'ann',
  password: 'apple',
  ...fields,
})

/** Who may do some things. */
export const bob = (fields: ConnectFields = {}): ConnectFields => ({
  clientId: 'bob-1',
  level: 5,
  username: 'bob',
  password: 'banana',
  ...fields,
})

/** Who may do what the patterns say. */
export const carol = (fields: ConnectFields = {}): ConnectFields => ({
  clientId: 'carol-1',
  level: 5,
  username: 'carol',
  password: 'cherry',
  ...fields,
})
