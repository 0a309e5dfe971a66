/**
 * Takes all steps, one after the other, also those that come after one that failed.
 * Rejects with the first error, when all were taken.
 * @param onError told of the errors after the first
 */
export async function takeEveryStep(
  steps: readonly (() => unknown)[],
  onError: (error: unknown) => void,
): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  const [first, ...others] = errors
  for (const error of others) onError(error)
  if (errors.length > 0) throw first
}
