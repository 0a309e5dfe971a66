const firstMs = 1000
const longestMs = 300_000

/**
 * How long to wait after so many failures in a row, in milliseconds: twice as long each time up to 5 minutes, give or
 * take a half, so that brokers that lost one witness together do not come back together.
 * @param random from 0 to below 1
 */
export function retryDelayMs(failures: number, random: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), longestMs) * (0.5 + random)
}
