// Sends the connection reports of a worker that leaves to the primary, where they outlive it.

import { type DepartingReports, MOST_DEPARTING_REPORTS } from '../messages.js'
import type { ConnectionReport, RefusalReport } from '../report/report.js'

/**
 * Sends all reports, of each kind the newest first, in messages of a bounded size, the next when the one before is in the channel: a worker
 * that is cut short has told the newest, and never holds more than one message of them. Then calls `then`.
 */
export function sendInParts(
  reports: Iterator<ConnectionReport | RefusalReport, undefined>,
  send: (message: DepartingReports, written: () => void) => void,
  then: () => void,
): void {
  const part: (ConnectionReport | RefusalReport)[] = []
  while (part.length < MOST_DEPARTING_REPORTS) {
    const { value } = reports.next()
    if (value === undefined) break
    part.push(value)
  }
  const goOn = part.length < MOST_DEPARTING_REPORTS ? then : () => sendInParts(reports, send, then)
  send({ type: 'departing-reports', reports: part }, goOn)
}
