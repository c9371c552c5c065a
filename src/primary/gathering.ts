// Puts one question to all workers and gathers what they answer, for a short while at most.

/** What came of a question. */
export interface Gathered<Member, Answer> {
  readonly answers: readonly Answer[]
  /** Those that live and did not answer: they were too slow, or not asked since nothing was to be expected of them. */
  readonly silent: readonly Member[]
}

interface Question<Member, Answer> {
  /** Asked, and yet to answer. */
  readonly pending: Set<Member>
  /** Not asked. */
  readonly unasked: Set<Member>
  readonly answers: Answer[]
  /** Everybody who was asked has answered, or is gone. */
  readonly finish: () => void
}

export class Gathering<Member, Answer> {
  readonly #members: () => Iterable<Member>
  readonly #isResponsive: (member: Member) => boolean
  /** Milliseconds. */
  readonly #timeout: number
  /** Open questions by number. */
  readonly #open = new Map<number, Question<Member, Answer>>()
  #last = 0

  /**
   * @param members all who have something to answer, looked up for each question
   * @param isResponsive whether an answer can be expected; the others are not asked
   * @param timeout milliseconds after which the result is made of what has come
   */
  constructor(members: () => Iterable<Member>, isResponsive: (member: Member) => boolean, timeout: number) {
    this.#members = members
    this.#isResponsive = isResponsive
    this.#timeout = timeout
  }

  /** Calls `put` for each member with the number of the question, 1 or more, which its answer must bear. */
  async ask(put: (member: Member, question: number) => void): Promise<Gathered<Member, Answer>> {
    const pending = new Set<Member>()
    const unasked = new Set<Member>()
    for (const member of this.#members()) (this.#isResponsive(member) ? pending : unasked).add(member)
    const answers: Answer[] = []
    const number = ++this.#last
    if (pending.size > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, this.#timeout)
        const finish = (): void => {
          clearTimeout(timer)
          resolve()
        }
        this.#open.set(number, { pending, unasked, answers, finish })
        for (const member of pending) put(member, number)
      })
      this.#open.delete(number)
    }
    return { answers, silent: [...pending, ...unasked] }
  }

  /** An answer to a question that is no longer open is dropped. */
  answered(member: Member, number: number, answer: Answer): void {
    const question = this.#open.get(number)
    if (!question?.pending.delete(member)) return
    question.answers.push(answer)
    if (question.pending.size === 0) question.finish()
  }

  /** The member is dead: nobody waits for it any more. */
  gone(member: Member): void {
    for (const { pending, unasked, finish } of this.#open.values()) {
      unasked.delete(member)
      if (pending.delete(member) && pending.size === 0) finish()
    }
  }
}
