import type { Command } from '../../clients/cli/command.ts'
import { passwdCommand } from '../../clients/cli/passwd.ts'
import { changePasswordFile } from '../../plugins/authentication/index.ts'

export const passwd: Command = passwdCommand(changePasswordFile)
