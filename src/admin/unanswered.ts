// How the admin server says that workers do not answer.

/** The beginning of a sentence: `worker 1 does not answer`, `workers 1 and 2 do not answer`. */
export function workersDoNotAnswer(workers: readonly number[]): string {
  const [last, ...others] = [...workers].reverse()
  return others.length === 0
    ? `worker ${last} does not answer`
    : `workers ${others.reverse().join(', ')} and ${last} do not answer`
}
