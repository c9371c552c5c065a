// Answers the primary's question for a page of connections: in parts, each in a turn of its own, so that connections do not
// wait for a long one.

import type { Connections, ListConnections } from '../messages.js'
import type { Archive } from '../report/archive.js'

/** Connections in one part: less than a millisecond's work. */
export const MOST_IN_PART = 100

export async function sendListing(
  archive: Archive,
  { question, filter, asOf }: ListConnections,
  send: (part: Connections) => void,
): Promise<void> {
  const entries = await archive.list(filter, asOf, nextTurn)
  for (let start = 0; ; start += MOST_IN_PART) {
    const connections = entries.slice(start, start + MOST_IN_PART).map(entry => archive.summary(entry))
    const isLast = start + MOST_IN_PART >= entries.length
    send({ type: 'connections', question, connections, counts: isLast ? archive.counts : null })
    if (isLast) return
    await nextTurn()
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
