// The last of something: up to a number of them, and how many had to go.

export class Ring<Item extends { readonly id: number }> {
  readonly #most: number
  readonly #items = new Map<number, Item>()
  /** How many had to go. */
  evicted = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Adds one, and returns the oldest if it has to go: the new one itself where none is kept. */
  add(item: Item): Item | undefined {
    this.#items.set(item.id, item)
    if (this.#items.size <= this.#most) return undefined
    const [oldest] = this.#items.values()
    this.#items.delete(oldest.id)
    this.evicted++
    return oldest
  }

  get(id: number): Item | undefined {
    return this.#items.get(id)
  }

  get size(): number {
    return this.#items.size
  }

  /** In the order in which they were added. */
  values(): Iterable<Item> {
    return this.#items.values()
  }
}
