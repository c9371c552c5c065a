// In which order connections are listed, and where in it a page ends.

import type { Entry } from './entry.js'

export const SORTS = ['newest', 'oldest', 'longest', 'shortest'] as const
export type Sort = (typeof SORTS)[number]

/** A place in an order. */
export interface Position {
  readonly sort: Sort
  /** Value that the order goes by, ascending. */
  readonly value: number
  /** Where values are the same, the newer connection comes first. */
  readonly id: number
  /** When the first page was made, milliseconds since 1970: durations are compared as they were then. */
  readonly asOf: number
}

/** An order, ready to compare with. */
export class Order {
  readonly #sort: Sort
  readonly #asOf: number
  readonly #after: Position | undefined

  /** @param asOf for the first page; later ones have it from the position that they follow */
  constructor(sort: Sort, after: Position | undefined, asOf: number) {
    this.#sort = sort
    this.#asOf = after?.asOf ?? asOf
    this.#after = after
  }

  /** Whether the connection is on this page or one that follows. */
  isAhead(entry: Entry): boolean {
    if (this.#byDuration && entry.openedDate > this.#asOf) return false
    return this.#after === undefined || compare(this.#after, this.positionOf(entry)) < 0
  }

  compare(a: Entry, b: Entry): number {
    return compare(this.positionOf(a), this.positionOf(b))
  }

  positionOf(entry: Entry): Position {
    return { sort: this.#sort, value: this.#valueOf(entry), id: entry.id, asOf: this.#asOf }
  }

  get #byDuration(): boolean {
    return this.#sort === 'longest' || this.#sort === 'shortest'
  }

  #valueOf(entry: Entry): number {
    if (!this.#byDuration) return this.#sort === 'newest' ? -entry.id : entry.id
    // What has grown since the first page does not move: it would be on two pages or on none.
    const duration = Math.min(entry.duration, this.#asOf - entry.openedDate)
    return this.#sort === 'longest' ? -duration : duration
  }
}

function compare(a: Position, b: Position): number {
  return a.value - b.value || b.id - a.id
}

export function formatCursor({ sort, value, id, asOf }: Position): string {
  return [sort, value, id, asOf].join('_')
}

/** Undefined when the text is no cursor. */
export function parseCursor(text: string): Position | undefined {
  const [, name, value, id, asOf] = /^([a-z]+)_(-?\d{1,15}(?:\.\d{1,15})?)_(\d{1,15})_(\d{1,15})$/.exec(text) ?? []
  const sort = SORTS.find(candidate => candidate === name)
  return sort && { sort, value: Number(value), id: Number(id), asOf: Number(asOf) }
}
