// Which of the names that there are somebody may have meant by one that there is not.

/** The known name that takes the fewest changes to get to; undefined when none is near. */
export function nearestName(unknown: string, known: Iterable<string>): string | undefined {
  const limit = Math.max(2, Math.floor(unknown.length / 3))
  let nearest: string | undefined
  let least = limit + 1
  for (const name of known) {
    const distance = editDistance(unknown, name)
    if (distance >= least) continue
    nearest = name
    least = distance
  }
  return nearest
}

/** Levenshtein distance: insertions, deletions and substitutions that turn one text into the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const substitution = previous[column - 1] + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(substitution, previous[column] + 1, current[column - 1] + 1))
    }
    previous = current
  }
  return previous[to.length]
}
