// Answers that cost something: made one after the other, the same one once for all who ask for it meanwhile, and never for
// more than a share of the time. The process that makes them has connections to accept.

/** How many times as long as an answer took the process, the next one has to wait. */
const REST = 3

export class SharedAnswers<Answer> {
  /** Those that are not begun, by what they answer. */
  readonly #waiting = new Map<string, Promise<Answer>>()
  /** Resolves when the next one may begin. */
  #free: Promise<unknown> = Promise.resolve()

  /**
   * Resolves with an answer that was begun after this call, so nothing in it is older than the question.
   *
   * @param question the same where the answer is the same
   */
  ask(question: string, make: () => Promise<Answer>): Promise<Answer> {
    const waiting = this.#waiting.get(question)
    if (waiting !== undefined) return waiting
    const answer = this.#free.then(() => {
      this.#waiting.delete(question)
      return make()
    })
    this.#waiting.set(question, answer)
    this.#free = this.#free.then(() => restAfter(answer))
    return answer
  }
}

async function restAfter(answer: Promise<unknown>): Promise<void> {
  const before = process.cpuUsage()
  await answer.catch(() => {})
  const { user, system } = process.cpuUsage(before)
  const milliseconds = (user + system) / 1000
  await new Promise<void>(resolve => setTimeout(resolve, REST * milliseconds).unref())
}
