// Codec threads yield to event loops: on a core that both want, a frame is read before a batch is compressed.

import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Of 19. With codec load beside it, a worker answered 1.7 times as many plain messages as with threads as eager as it is. */
const NICENESS = 10

/**
 * Lowers the priority of the thread that calls. Linux gives each thread one of its own, by its number; elsewhere, and
 * where it is forbidden, all stays as it is.
 */
export function yieldToEventLoops(): void {
  if (process.platform !== 'linux') return
  try {
    // `PID/task/TID`
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    setPriority(thread, NICENESS)
  } catch {
    // Without it the service is only less even under load.
  }
}
