// Questions to the workers that cost them something: one at a time, and the same question once for all who ask it meanwhile.

export class SharedQuestions<Answer> {
  /** Those whose turn has not come, by what they ask. */
  readonly #waiting = new Map<string, Promise<Answer>>()
  /** Resolves when the last one has been answered. */
  #last: Promise<unknown> = Promise.resolve()

  /**
   * Resolves with an answer to a question that was put after this call.
   *
   * @param topic the same for questions that have the same answer
   */
  ask(topic: string, put: () => Promise<Answer>): Promise<Answer> {
    const waiting = this.#waiting.get(topic)
    if (waiting !== undefined) return waiting
    const answer = this.#last.then(() => {
      this.#waiting.delete(topic)
      return put()
    })
    this.#waiting.set(topic, answer)
    this.#last = answer.catch(() => {})
    return answer
  }
}
