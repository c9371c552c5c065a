// What a worker's process spends: memory, CPU, garbage collection, open files.

import { statSync } from 'node:fs'
import { PerformanceObserver, performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { WorkerGauge } from '../metrics/catalogue.js'
import { residentMemory } from './resident-memory.js'

/** Milliseconds of collections that the event loop stood still for. */
let collected = 0

const observer = new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) collected += duration
})

export type ProcessGauge =
  | 'residentBytes'
  | 'heapBytes'
  | 'externalBytes'
  | 'openFiles'
  | 'startedAt'
  | 'eventLoopBusySeconds'
  | 'garbageSeconds'
  | 'cpuUserSeconds'
  | 'cpuSystemSeconds'

/** Collections are counted from the first call on. */
export function watchCollections(): void {
  observer.observe({ entryTypes: ['gc'] })
}

export function processGauges(): Pick<Record<WorkerGauge, number>, ProcessGauge> {
  const { user, system } = process.cpuUsage()
  const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics()
  return {
    residentBytes: residentMemory(),
    heapBytes,
    externalBytes,
    openFiles: openFiles(),
    startedAt: performance.timeOrigin / 1000,
    eventLoopBusySeconds: performance.eventLoopUtilization().active / 1000,
    garbageSeconds: collected / 1000,
    cpuUserSeconds: user / 1e6,
    cpuSystemSeconds: system / 1e6,
  }
}

/** Linux tells the number as the directory's size since 6.2; to list thousands of them would take milliseconds. */
function openFiles(): number {
  return statSync('/proc/self/fd', { throwIfNoEntry: false })?.size ?? 0
}
