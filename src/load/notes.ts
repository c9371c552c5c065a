// What whoever reads the results must know to judge them: above all when the tool, not the server, was the limit.

import type { LoadSettings } from '../load-settings.js'
import { percentile } from './latencies.js'
import type { Outcome } from './outcome.js'
import { amount, percent, time } from './words.js'

/** Share of the time from which a thread's event loop is the bottleneck. */
const BUSY = 0.95
/** Share of the messages that are due which is to be sent. */
const KEPT = 0.99
/** Milliseconds: a schedule that is later than this at its 99th percentile distorts what it measures. */
const LATE = 10

export function notesOn(outcome: Outcome, settings: LoadSettings, wasStopped: boolean): string[] {
  return [
    wasStopped && 'Ended early.',
    outcome.counts.connections.opened === 0 && 'No connection could be opened.',
    outcome.loop === 'closed' &&
      'Closed loop: when the server stalls, fewer messages are sent, so these latencies do not show what users would wait. --rate does.',
    ...(wasStopped ? [] : limitNotes(outcome, settings)),
  ].filter(note => typeof note === 'string')
}

/** Whether the tool's own slowness may be what the results show. */
export function isToolTheLimit({ effort, latencies }: Pick<Outcome, 'effort' | 'latencies'>): boolean {
  return effort.busiest > BUSY || percentile(latencies.lateness, 99) > LATE
}

/** Of the tool: its threads, and its schedule. Of the server: its taking less than it was sent. */
function limitNotes(outcome: Outcome, { threads }: LoadSettings): (string | false)[] {
  const { effort, latencies, counts } = outcome
  const lateness = percentile(latencies.lateness, 99)
  const isBusy = effort.busiest > BUSY
  const isLate = lateness > LATE
  const hint = threads === 1 ? ' Try --threads.' : ''
  return [
    isBusy &&
      `The tool was a limit: its busiest thread had work ${percent(effort.busiest)} of the time. The server may be faster than these results.${hint}`,
    !isBusy &&
      isLate &&
      `The tool was late: 1 % of the messages were sent ${time(lateness)} or more after they were due, because this machine was busy.`,
    counts.messages.sent < KEPT * counts.messages.due &&
      `The server took ${amount(counts.messages.sent)} of ${amount(counts.messages.due)} messages: the rest waited to be sent.`,
  ]
}
