// Codec threads yield to event loops: on a core that both want, a frame is read before a batch is compressed.

import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Of 19. On one core with codec load, a worker answered 55,000 plain messages a second; 26,000 with threads as eager as it is,
 * 61,000 with 10. Other programs go before codec threads too: with a busy one on each core, 16 MiB of noise came back after
 * 2.9 s; 2.5 s with 0, 7.3 s with 10.
 */
const NICENESS = 5

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
