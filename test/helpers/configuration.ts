import { userInfo } from 'node:os'

/**
 * The text of a configuration file for a program that a test starts. It stays who the tests run as unless `lines` name
 * another user: as root it would become `mosquitto`, who may not look into a directory of a test.
 */
export function configurationText(lines: readonly string[]): string {
  const isUserNamed = lines.some((line) => line.startsWith('user '))
  return [...lines, ...(isUserNamed ? [] : [`user ${userInfo().username}`]), ''].join('\n')
}
