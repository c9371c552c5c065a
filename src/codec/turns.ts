// How far a thread goes with a batch: the groups of messages in it, each of another connection, take turns.
//
// Only the thread knows what messages really take and make: 73 KB can inflate to 16 MiB that do not deflate again. So it
// stops by what it sees. What it has not done goes back and is done later, behind those that wait.

/** Milliseconds of one group in a batch; its first message may take longer. */
const GROUP_TIME = 4
/** Milliseconds after which no other group of the batch is begun, so that those that are done get their replies. */
const BATCH_TIME = 16
/** Octets of results after which no other group is begun. */
const BATCH_RESULTS = 4 * 1024 * 1024

export class Turns {
  readonly #started: number
  /** The first message of a group that begins is never left. */
  #begins = false
  #timeOver = 0
  #octetsOver = 0

  /** @param now milliseconds */
  constructor(now: number) {
    this.#started = now
  }

  /**
   * The next group is to begin; false if the batch is over.
   *
   * @param octets of results so far
   * @param room octets of results after which the group is to stop
   */
  begin(now: number, octets: number, room: number): boolean {
    const isOver = now - this.#started >= BATCH_TIME || octets >= BATCH_RESULTS
    this.#begins = !isOver
    this.#timeOver = isOver ? 0 : now + GROUP_TIME
    this.#octetsOver = octets + room
    return !isOver
  }

  /** Whether the group's next message is to be left. */
  isOver(now: number, octets: number): boolean {
    if (!this.#begins) return now >= this.#timeOver || octets >= this.#octetsOver
    this.#begins = false
    return false
  }
}
