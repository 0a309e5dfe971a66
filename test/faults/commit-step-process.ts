// Dies in the middle of a commit. Not a test: `commit-steps.test.ts` starts it.
import { armStore, commitSteps, type StepOutcome } from './commit-steps.ts'

const [name = '', outcome, location = ''] = process.argv.slice(2)
await commitSteps[name]?.run(location, () => armStore(outcome as StepOutcome, 0, () => {}))
