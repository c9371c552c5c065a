// The log of every process: pino on stderr, for people on a terminal and JSON otherwise.

import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { readable } from './readable-log.js'
import type { Settings } from './settings.js'

const STDERR = 2

/**
 * Opens the log. Writes are synchronous, so the last words before an exit are not lost. What cannot be written, on a full
 * disk say, is lost, and nothing else is: `onLost` is called for each such line.
 * `bindings` go on every line beside the pid, e.g. `{ worker: 3 }`.
 */
export function createLog(
  level: Settings['logLevel'],
  onLost: () => void,
  bindings: Record<string, unknown> = {},
): Logger {
  const options = { level, base: { pid: process.pid, ...bindings }, timestamp: stdTimeFunctions.isoTime }
  const destination = lossyDestination(STDERR, onLost)
  return pino(options, process.stderr.isTTY ? { write: line => destination.write(readable(line)) } : destination)
}

/** Writes octets from `from` on at once, and returns how many; throws when it cannot. */
type Write = (fd: number, octets: Buffer, from: number) => number

/** Writes lines to the file descriptor at once, or drops them. */
export function lossyDestination(fd: number, onLost: () => void, write: Write = writeSync): DestinationStream {
  /** A line broke off: the next one must not be glued to it. */
  let broken = false
  return {
    write(line) {
      const octets = Buffer.from(broken ? `\n${line}` : line)
      let written = 0
      try {
        while (written < octets.length) written += write(fd, octets, written)
        broken = false
      } catch {
        broken ||= written > 0
        onLost()
      }
    },
  }
}
