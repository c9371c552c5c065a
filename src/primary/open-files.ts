// Warns when the limit on open files is too low for the connections that are allowed.

import { readFileSync } from 'node:fs'
import type { Settings } from '../settings.js'

export interface OpenFilesLimit {
  /** Number of descriptors; `Infinity` when unlimited. */
  readonly soft: number
  readonly hard: number
}

/** Descriptors that a process needs beside its connections: listeners, IPC channels, libraries, the log. */
const OTHER_FILES = 256

/** Connections reckoned with when their number is not limited. */
const UNLIMITED_CONNECTIONS = 4096

/** The limits of this process, or undefined where the system does not tell. Node raises the soft one to the hard one. */
export function openFilesLimit(): OpenFilesLimit | undefined {
  try {
    return parseProcLimits(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return reportedLimit()
  }
}

/** Reads the "Max open files" row of Linux's /proc/<pid>/limits: soft limit, hard limit, unit. */
export function parseProcLimits(text: string): OpenFilesLimit | undefined {
  const row = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text)
  return row ? { soft: toLimit(row[1]), hard: toLimit(row[2]) } : undefined
}

/**
 * One sentence that names the limit and what is needed, or undefined when the limit suffices.
 * The whole of `maxConnections` is asked for, since after deaths of others one worker may hold nearly all of them.
 */
export function openFilesWarning(
  limit: OpenFilesLimit,
  maxConnections: Settings['maxConnections'],
): string | undefined {
  const needed = (maxConnections || UNLIMITED_CONNECTIONS) + OTHER_FILES
  if (limit.soft >= needed) return undefined
  const purpose = maxConnections > 0 ? `max-connections ${maxConnections}` : `${UNLIMITED_CONNECTIONS} connections`
  return `the limit of ${limit.soft} open files is too low for ${purpose}: raise it with \`ulimit -n ${needed}\` (hard limit ${limit.hard})`
}

/** Elsewhere than on Linux the diagnostic report knows the limits. */
function reportedLimit(): OpenFilesLimit | undefined {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft: unknown; hard: unknown } } }
  const limits = report.userLimits?.open_files
  return limits && { soft: toLimit(limits.soft), hard: toLimit(limits.hard) }
}

function toLimit(value: unknown): number {
  return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)
}
