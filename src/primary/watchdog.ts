// Looks several times a second for workers that have stopped speaking.

import { monotonicNow } from '../messages.js'

/** A worker reports about four times a second; one that says nothing for this many milliseconds is unresponsive. */
export const SILENCE_TIMEOUT = 2000

const INTERVAL = 100

/**
 * Calls `check` every 100 ms with an instant (monotonic milliseconds), when all that was in the channels at that instant
 * has been read: when the primary itself was held up, timers run before the event loop polls, and answers that wait in the
 * channels must not count as missed.
 */
export function startWatchdog(check: (now: number) => void): NodeJS.Timeout {
  return setInterval(() => setImmediate(check, monotonicNow()), INTERVAL)
}
