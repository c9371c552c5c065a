// Looks several times a second for workers that have stopped speaking.

/** A worker reports about four times a second; one that says nothing for this many milliseconds is unresponsive. */
export const SILENCE_TIMEOUT = 2000

const INTERVAL = 100

/**
 * Calls `check` every 100 ms, always after what has already arrived was read: when the primary itself was held up,
 * timers run before the event loop polls, and answers that wait in the channels must not count as missed.
 */
export function startWatchdog(check: () => void): NodeJS.Timeout {
  return setInterval(() => setImmediate(check), INTERVAL)
}
