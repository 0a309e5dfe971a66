import { type RowName, rowOf } from './rows.ts'
import { load } from './workload.ts'

export const method =
  `${load.publishers} publishers, ${load.payloadBytes}-byte payloads, QoS 1, window ${load.window} (refilled by ${load.batch} or more at once), ` +
  'one subscriber, unless a row says otherwise; MQTT 3.1.1 on 127.0.0.1; brokers and load generator in processes of their own; one warm-up round, then in every ' +
  'round each variant once, the order rotated; packets encoded and signed before the clock starts; from the first PUBLISH to the last PUBACK (acked/s) ' +
  'and to the last delivery (delivered/s); every message checked to arrive exactly once, with the QoS due and in order per publisher, else there is no figure; medians over the ' +
  'rounds, in brackets smallest and largest; comparisons of medians inside this run; generator busy is its CPU time by elapsed time: above 90 % a ' +
  'rate is marked *, and is what the generator can do as much as the broker; stolen is the share of CPU time the hypervisor gave to other machines meanwhile.'

export function methodOfRows(rows: readonly RowName[]): string[] {
  return rows.map((row) => `- \`${row}\`: ${rowOf(row).about}`)
}
