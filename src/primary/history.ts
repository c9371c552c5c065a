// The last minutes of some numbers, one row a second, in a ring of fixed size.

/** A row as pages get it. */
export interface Row {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly values: readonly number[]
}

/**
 * All rows by column, oldest first. A column is its first value and then the differences from one row to the next; zeros
 * at its end are left out.
 */
export interface ToldHistory {
  readonly rows: number
  readonly at: readonly number[]
  readonly values: readonly (readonly number[])[]
}

export class History {
  readonly #width: number
  readonly #capacity: number
  readonly #at: Float64Array
  /** Row after row. */
  readonly #values: Float64Array
  /** Rows that were ever added. */
  #added = 0

  /**
   * @param width numbers of a row
   * @param capacity rows that are kept
   */
  constructor(width: number, capacity: number) {
    this.#width = width
    this.#capacity = capacity
    this.#at = new Float64Array(capacity)
    this.#values = new Float64Array(capacity * width)
  }

  /**
   * Adds a row in the place of the oldest.
   *
   * @param at milliseconds since 1970
   * @param write writes its numbers
   */
  add(at: number, write: (row: Float64Array) => void): Row {
    const place = this.#added++ % this.#capacity
    const row = this.#values.subarray(place * this.#width, (place + 1) * this.#width)
    this.#at[place] = at
    write(row)
    return { at, values: [...row] }
  }

  tell(): ToldHistory {
    const rows = Math.min(this.#added, this.#capacity)
    const first = this.#added - rows
    const places = Array.from({ length: rows }, (_, i) => (first + i) % this.#capacity)
    const column = (read: (place: number) => number): number[] => differences(places, read)
    const values = Array.from({ length: this.#width }, (_, i) => column(place => this.#values[place * this.#width + i]))
    return { rows, at: column(place => this.#at[place]), values }
  }
}

function differences(places: readonly number[], read: (place: number) => number): number[] {
  const told: number[] = []
  let before = 0
  let end = 0
  for (const place of places) {
    const value = read(place)
    told.push(value - before)
    if (value !== before) end = told.length
    before = value
  }
  told.length = end
  return told
}
