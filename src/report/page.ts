// Picks one page of connections out of many, a few at a time, so that whoever else needs the event loop gets it.

import type { Entry } from './entry.js'
import { type ConnectionFilter, matches } from './filter.js'
import type { Order } from './order.js'

/** Connections that are looked at in one turn of the event loop: about a tenth of a millisecond. */
const LOOKED_AT = 500

/**
 * The first that match, in their order; one more than the limit where there are more, for whoever asks to know. Between
 * turns connections may come, close and go.
 */
export async function pickPage<E extends Entry>(
  entries: Iterable<E>,
  filter: ConnectionFilter,
  order: Order,
  nextTurn: () => Promise<void>,
): Promise<E[]> {
  const wanted = filter.limit + 1
  let picked: E[] = []
  let looked = 0
  for (const entry of entries) {
    if (matches(entry, filter) && order.isAhead(entry)) picked.push(entry)
    if (picked.length >= 2 * wanted) picked = first(wanted, picked, order)
    if (++looked % LOOKED_AT === 0) await nextTurn()
  }
  return first(wanted, picked, order)
}

/** One that closed meanwhile may have been met twice. */
function first<E extends Entry>(wanted: number, entries: readonly E[], order: Order): E[] {
  return [...new Set(entries)].sort((a, b) => order.compare(a, b)).slice(0, wanted)
}
