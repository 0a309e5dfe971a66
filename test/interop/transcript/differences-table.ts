import { differences } from './differences.ts'

/** The differences as rows of the table in docs/migrating-from-mosquitto.md: those with one reason in one row. */
export function differenceRows(): readonly string[] {
  const steps = new Map<string, string[]>()
  for (const { step, why } of differences) steps.set(why, [...(steps.get(why) ?? []), step])
  return [...steps].map(([why, names]) => `| ${names.join('; ').replaceAll('|', '\\|')} | ${why} |`)
}
