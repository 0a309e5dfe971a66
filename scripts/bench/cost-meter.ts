import { performance } from 'node:perf_hooks'
import { machineCpu, processCpuSeconds, stolenShare } from './process-usage.ts'

/** What a measurement took, beside its figures. */
export interface Cost {
  brokerCpuSeconds?: number
  generatorCpuSeconds: number
  /** CPU time of the load generator by elapsed time: near 1, its limit was measured and not the broker's. */
  generatorBusy: number
  /** Share of the machine's CPU time that the hypervisor gave away meanwhile. */
  stolenShare?: number
}

/** Starts counting when called; the function returned ends it. To be called in the load generator's process. */
export function startCostMeter(brokerPid: number | undefined): () => Cost {
  const brokerBefore = processCpuSeconds(brokerPid)
  const machineBefore = machineCpu()
  const generatorBefore = process.cpuUsage()
  const startedAt = performance.now()
  return () => {
    const elapsedSeconds = (performance.now() - startedAt) / 1000
    const { user, system } = process.cpuUsage(generatorBefore)
    const stolen = stolenShare(machineBefore, machineCpu())
    const brokerAfter = processCpuSeconds(brokerPid)
    const generatorCpuSeconds = (user + system) / 1e6
    return {
      ...(brokerBefore !== undefined && brokerAfter !== undefined
        ? { brokerCpuSeconds: brokerAfter - brokerBefore }
        : {}),
      ...(stolen === undefined ? {} : { stolenShare: stolen }),
      generatorCpuSeconds,
      generatorBusy: elapsedSeconds > 0 ? generatorCpuSeconds / elapsedSeconds : 0,
    }
  }
}
