// How much is kept of a request head: a report must not cost what a peer likes it to.

/** Octets. */
export const MOST_KEPT = 4096

/** The head, or as much of its beginning as is kept, in memory of its own; one character for each octet. */
export function keptHead(head: string): string {
  return head.length <= MOST_KEPT ? head : Buffer.from(head.slice(0, MOST_KEPT), 'latin1').toString('latin1')
}
