// The log of every process: pino on stderr, pretty on a terminal and JSON otherwise.

import { type Logger, pino, stdTimeFunctions } from 'pino'
import type { Settings } from './settings.js'

const STDERR = 2

/**
 * Opens the log. Writes are synchronous, so the last words before an exit are not lost.
 * `bindings` go on every line beside the pid, e.g. `{ worker: 3 }`.
 */
export async function createLog(level: Settings['logLevel'], bindings: Record<string, unknown> = {}): Promise<Logger> {
  const options = { level, base: { pid: process.pid, ...bindings }, timestamp: stdTimeFunctions.isoTime }
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: STDERR, sync: true }))
  const { default: pretty } = await import('pino-pretty')
  return pino(options, pretty({ destination: STDERR, sync: true }))
}
