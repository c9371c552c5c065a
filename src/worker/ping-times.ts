// When pings were sent that wait for their pongs. Few do at a time, so that what they take is no part of a connection.

export class PingTimes {
  /** Monotonic milliseconds. */
  readonly #sentAt = new Map<object, number>()

  sent(connection: object): void {
    this.#sentAt.set(connection, performance.now())
  }

  /** Seconds since the ping was sent; undefined when none waits. */
  answered(connection: object): number | undefined {
    const sentAt = this.#sentAt.get(connection)
    if (sentAt === undefined) return undefined
    this.#sentAt.delete(connection)
    return (performance.now() - sentAt) / 1000
  }

  forget(connection: object): void {
    this.#sentAt.delete(connection)
  }
}
