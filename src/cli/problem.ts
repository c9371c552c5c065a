// The one line that a user sees when an option is wrong: flag or variable, value, and what is allowed.

import { ExitError } from '../errors.js'

/** Stands in for a value that must not reach a terminal or a log. */
export const MASK = '***'

/** An error of code ECHOBAHN_BAD_OPTION. Control and format characters are escaped, so that it stays one honest line. */
export function badOption(line: string): ExitError {
  return new ExitError('ECHOBAHN_BAD_OPTION', line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeCharacter))
}

/** An argument up to where a value may begin: a mistyped `--admin-tokn=secret` must not tell the secret. */
export function nameIn(argument: string): string {
  return argument.split(/[=:\s]/, 1)[0]
}

/** A hint at the name nearest to an unknown one, or nothing when none is near. */
export function didYouMean(unknown: string, known: Iterable<string>): string {
  const limit = Math.max(2, Math.floor(unknown.length / 3))
  let nearest: string | undefined
  let least = limit + 1
  for (const name of known) {
    const distance = editDistance(unknown, name)
    if (distance >= least) continue
    nearest = name
    least = distance
  }
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
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
